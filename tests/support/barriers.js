// What a browser test asks a page that axe-core is in: `barriers`, an object of functions.
"use strict";

window.barriers = (() => {
    // For each width that `layout` was asked at: how each element is drawn there.
    const looks = new Map();
    const SHAPE = ["display", "visibility", "opacity", "fontSize", "fontWeight", "textDecorationLine", "position",
        "pointerEvents"];
    const COLOURS = ["color", "backgroundColor", "backgroundImage"];
    const LETTERS = ["color", "fontSize", "fontWeight", "textShadow"];
    const GROUND = ["backgroundColor", "backgroundImage", "opacity", "position"];
    const CLEAR = "rgba(0, 0, 0, 0),none,1,static";
    const HIDDEN = {shape: "", colours: "", letters: "", ground: CLEAR};
    const SEVERE = new Set(["serious", "critical"]);
    // The rules that judge colours, languages, or what a text says beside whether there is one.
    const OF_READERS = new Set(["color-contrast", "html-has-lang", "html-lang-valid", "valid-lang", "label",
        "label-title-only", "select-name"]);
    // The attributes whose texts change with the language, the time and the progress of what a page shows.
    const TRANSLATED = new Set(["aria-label", "content", "data-label", "datetime", "lang", "placeholder", "points",
        "title", "value"]);
    // The attributes that differ among alike rows.
    const OF_ROWS = new Set(["aria-label", "datetime", "for", "href", "id", "name", "title", "value", "x", "y"]);

    const elements = () => [...document.querySelectorAll("*")];

    // Whether an element is drawn, how, and in which colours and letters. That is what axe-core judges by; what is
    // beyond the edges of a page or an element is found by `layout`.
    function look(element) {
        if (!element.getClientRects().length) return HIDDEN;
        const style = getComputedStyle(element);
        const of = (names) => names.map((name) => style[name]).join();
        return {shape: of(SHAPE), colours: of(COLOURS), letters: of(LETTERS), ground: of(GROUND)};
    }

    // What the contrast of a text in an element depends on at a width: its letters, and the grounds it is drawn on.
    // Nothing of the console is drawn over what it is no part of.
    function contrast(element, width) {
        const found = [looks.get(width).get(element).letters];
        for (let each = element; each; each = each.parentElement) {
            const {ground} = looks.get(width).get(each);
            if (ground !== CLEAR) found.push(ground);
        }
        return found.join(";");
    }

    // The names and attributes of an element and all in it. Of a text it only matters whether there is one, and so of
    // the attributes named.
    function shape(node, texts) {
        if (node.nodeType === Node.TEXT_NODE) return node.data.trim() !== "" ? "text" : "";
        if (node.nodeType !== Node.ELEMENT_NODE) return "";
        const attributes = [...node.attributes].map(
            ({name, value}) => texts.has(name) ? `${name}:${value !== ""}` : `${name}=${value}`);
        return `<${node.nodeName} ${attributes}>${[...node.childNodes].map((each) => shape(each, texts)).join("")}</>`;
    }

    // What a page looks like at its present width. `sideways`: the elements that make it scroll sideways.
    // `unreachable`: those that scroll but neither take the focus nor hold anything that does.
    function layout() {
        const width = document.documentElement.clientWidth;
        const all = [...document.querySelectorAll("body *")];
        const shown = (found) => found.map((each) => each.outerHTML.slice(0, 120));
        const scrolls = (overflow) => overflow === "auto" || overflow === "scroll";
        const isUnreachable = (each) => {
            const wide = each.scrollWidth > each.clientWidth + 1, high = each.scrollHeight > each.clientHeight + 1;
            if (!wide && !high) return false;
            const style = getComputedStyle(each);
            return ((wide && scrolls(style.overflowX)) || (high && scrolls(style.overflowY)))
                && ![each, ...each.querySelectorAll("*")].some(
                    (inner) => inner.tabIndex >= 0 && inner.getClientRects().length);
        };
        looks.set(window.innerWidth, new Map(elements().map((each) => [each, look(each)])));
        return {
            sideways: document.documentElement.scrollWidth <= width
                ? [] : shown(all.filter((each) => each.getBoundingClientRect().right > width + 1)),
            unreachable: shown(all.filter(isUnreachable)),
        };
    }

    // Removes rows, items of lists, options, parts of a heat map and then folded tables that differ in their texts alone
    // from three siblings before: axe-core needs as long for a hundred of them as for all else.
    function removeAlike() {
        const counts = new Map();
        for (const kind of ["tr, li, dl > div, option, svg > a, svg > text", "details"]) {
            for (const each of document.querySelectorAll(kind)) {
                if (!counts.has(each.parentNode)) counts.set(each.parentNode, new Map());
                const siblings = counts.get(each.parentNode);
                const found = shape(each, OF_ROWS);
                siblings.set(found, (siblings.get(found) ?? 0) + 1);
                if (siblings.get(found) > 3) each.remove();
            }
        }
    }

    // Whether an element looks otherwise at one width than at another.
    function differs(element, width, other) {
        const [one, two] = [looks.get(width).get(element) ?? HIDDEN, looks.get(other).get(element) ?? HIDDEN];
        return one.shape !== two.shape || one.colours !== two.colours;
    }

    // What is left to judge. `widths`: those of which an element looks otherwise than at `width`, where the whole page is
    // judged. `key`: the same of pages that differ in colours, languages and what texts say alone.
    function plan(width) {
        const all = elements();
        const drawn = [...looks.values()].map((found) => all.map((each) => found.get(each)?.shape ?? "new"));
        return {
            widths: [...looks.keys()].filter((other) => all.some((each) => differs(each, other, width))),
            key: [shape(document.documentElement, TRANSLATED), ...drawn.map((each) => each.join(";"))].join("\n"),
        };
    }

    // What of the page to judge at a width when the whole has been judged at another: what looks otherwise, with the
    // table, list or picture it is part of. That is the whole page when an element is not drawn at one of the two.
    function part(width, judged) {
        const changed = elements().filter((each) => differs(each, width, judged));
        if (changed.some((each) => [width, judged].some((at) => !looks.get(at).get(each)?.shape))) return document;
        const wholes = [...new Set(changed.map((each) => each.closest("table, ul, ol, dl, svg") ?? each))];
        return {include: wholes.filter((each) => !wholes.some((other) => other !== each && other.contains(each)))};
    }

    // The ids of the rules that can find what is serious or critical. `isKnown`: of those, the ones of `OF_READERS`.
    function rules(isKnown) {
        const impact = (check) => axe._audit.data.checks[check.id ?? check].impact;
        return axe._audit.rules
            .filter((rule) => rule.enabled && !rule.tags.includes("experimental"))
            .filter((rule) => rule.impact ? SEVERE.has(rule.impact)
                : [...rule.any, ...rule.all, ...rule.none].some((check) => SEVERE.has(impact(check))))
            .map((rule) => rule.id)
            .filter((id) => !isKnown || OF_READERS.has(id));
    }

    // The serious and critical findings of axe-core at `width`, of the whole page or what differs from `judged`.
    // `readable`: the contrasts of texts that it found well before, most of what it computes; it judges only others.
    // Returned with those that it found well now.
    async function find(width, judged, isKnown, readable) {
        const known = new Set(readable);
        for (const each of elements()) {
            each.toggleAttribute("data-readable", looks.get(width).has(each) && known.has(contrast(each, width)));
        }
        axe.configure({rules: [{id: "color-contrast", selector: "*:not([data-readable])"}]});
        const {violations, passes} = await axe.run(judged === null ? document : part(width, judged), {
            resultTypes: ["violations", "passes"],
            selectors: false,
            elementRef: true,
            runOnly: {type: "rule", values: rules(isKnown)},
        });
        const well = passes.filter((rule) => rule.id === "color-contrast").flatMap((rule) => rule.nodes)
            .filter((node) => node.any[0].data.contrastRatio && looks.get(width).has(node.element))
            .map((node) => contrast(node.element, width));
        const found = violations.filter((rule) => SEVERE.has(rule.impact)).flatMap((rule) => rule.nodes.map(
            (node) => `${rule.id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`));
        return {found, readable: [...new Set(well)]};
    }

    return {layout, removeAlike, plan, find};
})();
