-- One row per order: how long it took from one state to the next. Times the platform says come first; where it says none, the moment its history first shows the state.
--
-- ordered_at          when it was placed
-- paid_at             first payment, else when it was first seen awaiting shipment or later; NULL: not paid, or not known when
-- shipped_at          sent, else when it was first seen shipped or later; NULL: not sent, or not known when
-- received_at         received, else when it was first seen received or later
-- completed_at        completed, else when it was first seen so
-- cancelled_at        when it was first seen cancelled; NULL otherwise, and where it was cancelled when it was first read: nothing says since when
-- time_to_pay         from ordered_at; NULL where either is not known, so of unpaid orders
-- time_to_ship        from paid_at to shipped_at, of every order that was sent, cancelled since or not: of those that count, WHERE is_valid. NULL where it was not sent yet, or nothing says when: orders that still wait are in no average of it, these are orders.is_unshipped. Negative where the platform's times contradict each other
-- time_to_receive     from shipped_at to received_at
-- time_to_complete    from ordered_at to completed_at
-- has_full_history    it was first read before it was paid for, so that times from its history are exact to a read. Of no matter where the platform says the times itself: 1688
CREATE OR REPLACE VIEW bi.order_funnel AS
SELECT
    f.order_key,
    f.platform,
    f.account,
    f.direction,
    f.order_id,
    f.status_group,
    f.ordered_day,
    f.ordered_at,
    f.paid_at,
    f.shipped_at,
    f.received_at,
    f.completed_at,
    f.cancelled_at,
    f.paid_at - f.ordered_at AS time_to_pay,
    f.shipped_at - f.paid_at AS time_to_ship,
    f.received_at - f.shipped_at AS time_to_receive,
    f.completed_at - f.ordered_at AS time_to_complete,
    f.has_full_history,
    f.is_valid
FROM (
    SELECT
        o.order_key, o.platform, o.account, o.direction, o.order_id, o.status_group, o.ordered_day, o.ordered_at,
        coalesce(o.paid_at, h.paid_at) AS paid_at,
        coalesce(o.shipped_at, h.shipped_at) AS shipped_at,
        coalesce(o.received_at, h.received_at) AS received_at,
        coalesce(o.completed_at, h.completed_at) AS completed_at,
        h.cancelled_at, o.is_valid,
        coalesce(h.has_full_history, false) AS has_full_history
    FROM bi.orders AS o
    CROSS JOIN LATERAL (
        SELECT
            min(h.seen_at) FILTER (WHERE h.changed IS NOT NULL AND h.status_group IN
                ('awaiting_shipment', 'partly_shipped', 'shipped', 'received', 'completed')) AS paid_at,
            min(h.seen_at) FILTER (WHERE h.changed IS NOT NULL AND h.status_group IN
                ('shipped', 'received', 'completed')) AS shipped_at,
            min(h.seen_at) FILTER (WHERE h.changed IS NOT NULL AND h.status_group IN
                ('received', 'completed')) AS received_at,
            min(h.seen_at) FILTER (WHERE h.changed IS NOT NULL AND h.status_group = 'completed') AS completed_at,
            min(h.seen_at) FILTER (WHERE h.changed IS NOT NULL AND h.status_group = 'cancelled') AS cancelled_at,
            bool_or(h.changed IS NULL AND h.status_group IN ('creating', 'awaiting_payment')) AS has_full_history
        FROM public.order_history AS h
        WHERE h.platform = o.platform AND h.order_id = o.order_id
    ) AS h
) AS f;
