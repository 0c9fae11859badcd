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

  const signed = (params) => ["ag-right-aligned-cell", params.value < 0 ? "bad-text" : params.value > 0 ? "good-text" : "muted"];

  const link = (params) => {
    const target = params.data && params.data[params.colDef.field + "_l"];
    if (!target) return make("span", "", shown(params));
    const element = make("a", "", shown(params));
    element.href = target;
    return element;
  };

  // A text of one or a few lines; the rest of it is in the cell's tooltip.
  const prose = (params) => {
    const element = make("span", params.lines > 1 ? "prose" : "clip", shown(params));
    if (params.lines > 1) element.style.webkitLineClamp = params.lines;
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
  const rows = (url) => ({
    getRows: async (params) => {
      try {
        const answer = await fetch(url + (url.includes("?") ? "&" : "?") + "from=" + params.startRow + "&to=" + params.endRow +
          "&sort=" + encodeURIComponent(JSON.stringify(params.sortModel)), { credentials: "same-origin" });
        if (!answer.ok) throw new Error(String(answer.status));
        const page = await answer.json();
        params.successCallback(page.rows, page.total);
      } catch (error) {
        params.failCallback();
      }
    },
  });

  // The rows of a table in this order; what is chosen, and where one has scrolled to, stays.
  const order = (id, keys) => {
    const grid = getElement(id)?.api;
    if (grid) grid.setGridOption("rowData", keys.map((key) => grid.getRowNode(key)?.data).filter(Boolean));
  };

  // Which rows are in view, and new values for some of them; a cell that differs lights up for a moment.
  const shownIds = (id) => {
    const grid = getElement(id)?.api;
    return grid ? grid.getRenderedNodes().map((node) => node.data?.customer_id).filter(Boolean) : [];
  };
  const renew = (id, found) => {
    const grid = getElement(id)?.api;
    if (!grid) return;
    for (const data of found) {
      const node = grid.getRowNode(data.customer_id);
      if (!node?.data) continue;
      const before = node.data;
      node.setData(data);
      const columns = Object.keys(data).filter((name) => data[name + "_t"] !== undefined && data[name + "_t"] !== before[name + "_t"]);
      if (columns.length) grid.flashCells({ rowNodes: [node], columns, flashDuration: 400, fadeDuration: 900 });
    }
  };

  // The tape: new lines come in at the top, but never while the pointer or the focus is on it, or while it is paused.
  const MOST_LINES = 120;
  const tapeLine = (entry) => {
    const row = make("div", "tape-row");
    const icon = make("i", "material-icons look-" + entry.look, entry.icon);
    icon.setAttribute("role", "img");
    icon.setAttribute("aria-label", entry.word);
    icon.title = entry.word;
    const top = make("div", "tape-top");
    const customer = make("a", "", entry.customer);
    customer.href = entry.link;
    const levels = make("span", "tape-levels");
    entry.levels.forEach((level, number) => {
      if (number) levels.append(make("span", "muted", "→"));
      const mark = make("span", "badge " + level.look);
      const sign = make("i", "material-icons", level.icon);
      sign.setAttribute("aria-hidden", "true");
      mark.append(sign, make("span", "", level.text));
      levels.append(mark);
    });
    top.append(customer);
    const below = make("div", "tape-below");
    const why = make("span", "tape-why", entry.why);
    why.title = entry.why;
    below.append(levels, why);
    row.append(icon, top, make("span", "tape-time", entry.time), below);
    return row;
  };

  const tapes = new Map();
  const tapeOf = (id) => {
    const element = document.getElementById(id);
    if (!element) return null;
    if (!tapes.has(id)) {
      const state = { element, waiting: [], held: false, over: false, words: {} };
      tapes.set(id, state);
      const leave = () => { state.over = false; flush(state); };
      element.addEventListener("mouseenter", () => { state.over = true; });
      element.addEventListener("mouseleave", leave);
      element.addEventListener("focusin", () => { state.over = true; });
      element.addEventListener("focusout", leave);
    }
    return tapes.get(id);
  };
  const stands = (state) => state.held || state.over || state.element.scrollTop > 4;
  const flush = (state, always = false) => {
    if (!always && stands(state)) return count(state);
    const lines = state.waiting.slice(-MOST_LINES).map(tapeLine);
    state.waiting = [];
    if (lines.length) state.element.querySelector(".empty")?.remove();
    for (const line of lines) state.element.prepend(line);
    while (state.element.childElementCount > MOST_LINES) state.element.lastElementChild.remove();
    count(state);
  };
  const count = (state) => {
    const parent = state.element.parentElement;
    let more = parent.querySelector(".tape-more");
    if (!state.waiting.length) return more?.remove();
    if (!more) {
      more = make("button", "tape-more");
      more.type = "button";
      more.addEventListener("click", () => { state.element.scrollTop = 0; flush(state, true); });
      parent.append(more);
    }
    more.textContent = state.words.more.replace("{count}", state.waiting.length);
  };
  const tape = (id, entries, whole, words) => {
    const state = tapeOf(id);
    if (!state) return;
    state.words = words;
    if (whole) {
      state.waiting = [];
      state.element.replaceChildren(...entries.map(tapeLine));
      if (!entries.length) state.element.append(make("div", "empty", words.none));
      return count(state);
    }
    state.waiting.push(...[...entries].reverse());
    flush(state);
  };
  const holdTape = (id, held) => {
    const state = tapeOf(id);
    if (!state) return;
    state.held = held;
    flush(state);
  };

  // A queue that is worked by keys. Of several grids the one that is seen counts: j, k and the arrows move in it; other
  // keys are told to the page with the row that is chosen. Nothing while a dialog is open or something is typed.
  const queueKeys = (ids, keys) => {
    const seen = () => ids.find((id) => document.getElementById("c" + id)?.offsetParent);
    const chosen = (api) => api.getSelectedNodes()[0];
    const choose = (api, index) => {
      const node = api.getDisplayedRowAtIndex(Math.max(0, Math.min(index, api.getDisplayedRowCount() - 1)));
      node?.setSelected(true, true);
      if (node) api.ensureIndexVisible(node.rowIndex);
    };
    const follow = (id) => {
      const api = getElement(id)?.api;
      if (!api) return void setTimeout(() => follow(id), 100);
      let place = 0, told;
      const tell = () => {
        const row = chosen(api)?.id ?? null;
        if (row !== told) emitEvent("queue_chosen", { grid: id, row });
        told = row;
      };
      // The row that was worked on has left the queue: the next one takes its place.
      const keep = () => {
        const node = chosen(api);
        if (node) place = node.rowIndex;
        else choose(api, place);
        tell();
      };
      api.addEventListener("modelUpdated", keep);
      api.addEventListener("selectionChanged", keep);
      keep();
    };
    ids.forEach(follow);
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector(".q-dialog")) return;
      if (event.target.closest("input, textarea, select, [contenteditable=true], [role=listbox]")) return;
      const id = seen(), api = getElement(id)?.api;
      if (!api) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[key];
      if (step === undefined && !keys.includes(key)) return;
      event.preventDefault();
      if (step !== undefined) choose(api, (chosen(api)?.rowIndex ?? -step) + step);
      else if (!event.repeat) emitEvent("queue_key", { grid: id, row: chosen(api)?.id ?? null, key });
    });
  };

  window.cp = { shown, badge, signed, link, prose, spark, rows, order, shownIds, renew, tape, holdTape, queueKeys };
})();
