// What grid cells and a few widgets need in the browser. Data becomes text nodes only, never HTML.
(() => {
  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined && text !== null) element.textContent = text;
    return element;
  };

  // A cell of desk/web/components/table.py carries {FIELD: value to sort by, FIELD_t: text to show}.
  const shown = (params) => (params.data ? (params.data[params.colDef.field + "_t"] ?? params.value ?? "") : "");

  const badge = (params) => {
    const cell = params.data && params.data[params.colDef.field + "_b"];
    if (!cell) return make("span", "", shown(params));
    const element = make("span", "badge " + cell.look);
    const icon = make("i", "material-icons", cell.icon);
    icon.setAttribute("aria-hidden", "true");
    element.append(icon, make("span", "", cell.text));
    return element;
  };

  const link = (params) => {
    const target = params.data && params.data[params.colDef.field + "_l"];
    if (!target) return make("span", "", shown(params));
    const element = make("a", "", shown(params));
    element.href = target;
    return element;
  };

  // A line of a few numbers; the text beside it says the same for who does not see it.
  const spark = (params) => {
    const points = params.data && params.data[params.colDef.field];
    if (!Array.isArray(points) || points.length < 2) return make("span", "muted", "–");
    const [width, height] = [84, 22];
    const low = Math.min(...points), span = Math.max(...points) - low || 1;
    const at = points.map((value, i) => `${((i / (points.length - 1)) * (width - 4) + 2).toFixed(1)},${(height - 3 - ((value - low) / span) * (height - 6)).toFixed(1)}`);
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    for (const [name, value] of Object.entries({ width, height, class: "spark", role: "img", "aria-label": `${points[0]} → ${points.at(-1)}` })) svg.setAttribute(name, value);
    const line = document.createElementNS(ns, "polyline");
    for (const [name, value] of Object.entries({ points: at.join(" "), fill: "none", stroke: points.at(-1) < points[0] ? "var(--bad)" : "var(--accent)", "stroke-width": 1.5 })) line.setAttribute(name, value);
    svg.append(line);
    return svg;
  };

  // Rows of the infinite model come from an endpoint of the desk, page by page.
  const rows = (url, element) => ({
    getRows: async (params) => {
      const grid = element();
      try {
        const answer = await fetch(url + (url.includes("?") ? "&" : "?") + "from=" + params.startRow + "&to=" + params.endRow +
          "&sort=" + encodeURIComponent(JSON.stringify(params.sortModel)), { credentials: "same-origin" });
        if (!answer.ok) throw new Error(String(answer.status));
        const page = await answer.json();
        params.successCallback(page.rows, page.total);
        if (grid) grid.dispatchEvent(new CustomEvent("cp-total", { detail: page.total }));
      } catch (error) {
        params.failCallback();
      }
    },
  });

  window.cp = { shown, badge, link, spark, rows };
})();
