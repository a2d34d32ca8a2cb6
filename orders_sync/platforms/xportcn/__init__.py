"""Xportcn: two lists of Taobao orders, which share how they are asked, how they answer and what they say of a line.

open/   GET /open/order/page           the platform `xportcn_open`
ka/     POST /open/purchase/page       the platform `xportcn_ka`
"""
