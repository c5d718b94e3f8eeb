// One picture in full size, with its curve and its recipe.

class Detail {
  /** `closed(index)` is called with the picture that was shown last. */
  constructor(knobs, closed) {
    this.knobs = knobs;
    this.dialog = document.getElementById("detail");
    this.closed = closed;
    this.shown = [];
    this.index = 0;
    this.curve = null;
    const on = (id, handle) => document.getElementById(id).addEventListener("click", handle);
    on("previous", () => this.go(-1));
    on("next", () => this.go(1));
    on("close", () => this.dialog.close());
    on("copy-command", (event) => copy(this.picture.command, event.currentTarget));
    on("copy-recipe", (event) => copy(JSON.stringify(this.picture.recipe, null, 2), event.currentTarget));
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.closed(this.index));
    this.dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.go(by);
    });
    new ResizeObserver(() => this.drawCurve()).observe(document.getElementById("plot"));
  }

  open(shown, index) {
    this.shown = shown;
    this.dialog.showModal();
    this.show(index);
  }

  go(by) {
    const to = this.index + by;
    if (to >= 0 && to < this.shown.length) this.show(to);
  }

  get picture() {
    return this.shown[this.index];
  }

  show(index) {
    this.index = index;
    const { picture } = this;
    const { recipe } = picture;
    setText("name", picture.label);
    setText("model", recipe.model);
    setText("place", `${(index + 1).toLocaleString("en")} of ${this.shown.length.toLocaleString("en")}`);
    setText("command", picture.command);
    document.getElementById("previous").disabled = index === 0;
    document.getElementById("next").disabled = index === this.shown.length - 1;
    const { picture: reached, start, end, best } = recipe.activation;
    fillList("facts", [
      ["Outcome", picture.outcome || "done"],
      ["Clean activation", short(reached)],
      ["First step", short(start)],
      ["Last step", short(end)],
      ["Best", short(best)],
    ]);
    fillTable("recipe", this.rows(recipe));
    this.curve = picture.curve && unpackCurve(picture.curve);
    document.getElementById("run").hidden = !this.curve;
    document.getElementById("curveless").hidden = Boolean(this.curve);
    this.drawCurve();
    this.showPicture(picture);
    this.dialog.scrollTop = 0;
    this.dialog.querySelector(".side").scrollTop = 0;
  }

  /** Show the page's own copy at once, and replace it by the lossless PNG if that lies beside the page. */
  showPicture(picture) {
    const full = document.getElementById("full");
    const link = document.getElementById("png");
    const note = document.getElementById("preview");
    full.src = picture.source;
    full.alt = `What ${picture.label} looks for`;
    full.width = picture.width;
    full.height = picture.height;
    link.hidden = note.hidden = true;
    note.textContent =
      picture.side < picture.width
        ? `A preview of ${picture.side} px: the PNG of ${picture.width} px is not beside this page.`
        : "The PNG is not beside this page; this is a compressed copy.";
    const missing = () => {
      if (picture === this.picture) note.hidden = false;
    };
    if (!picture.href) return missing();
    link.href = picture.href;
    const lossless = new Image();
    lossless.addEventListener("error", missing);
    lossless.addEventListener("load", () => {
      if (picture !== this.picture) return;
      full.src = lossless.src;
      link.hidden = false;
    });
    lossless.src = picture.href;
  }

  drawCurve() {
    if (this.curve && this.dialog.open) {
      drawCurve(this.curve, document.getElementById("plot"), document.getElementById("point"));
    }
  }

  targetRows(target) {
    if (target.kind === "unit") return [["Layer", target.layer], ["Unit", target.index]];
    return target.kind === "text" ? [["Text", target.text]] : [["Target", this.picture.label]];
  }

  rows(recipe) {
    const { settings } = recipe;
    const { check } = this.picture;
    return [
      ...(check ? [["Check", `${check.verdict}: ${check.why}`]] : []),
      ...this.targetRows(recipe.target),
      ["Model", recipe.model],
      ...this.knobs.map(({ name, label, unit }) => [label, withUnit(settings[name], unit)]),
      ["Steps done", recipe.steps],
      ["Device", recipe.device],
      ["Time of the group", `${recipe.seconds} s`],
      ["Date", recipe.date.replace(/^([\d-]+)T([\d:]+)\.\d+\+00:00$/, "$1 $2 UTC")],
      ["ClipDesk", recipe.clipdesk],
      ["torch", recipe.torch],
      ["SHA-256 of the weights", recipe.weights],
    ];
  }
}

function withUnit(value, unit) {
  if (value === null) return null;
  if (!unit) return value;
  const sign = unit.startsWith("±") ? "±" : "";
  const rest = unit.slice(sign.length).trim();
  return `${sign}${value}${rest === "°" || !rest ? rest : ` ${rest}`}`;
}

function setText(id, text) {
  document.getElementById(id).replaceChildren(...breakable(text));
}

function fillList(id, pairs) {
  const entries = pairs.map(([term, value]) => {
    const entry = document.createElement("div");
    entry.append(newText("dt", term), newText("dd", value));
    return entry;
  });
  document.getElementById(id).replaceChildren(...entries);
}

function fillTable(id, rows) {
  const entries = rows.map(([name, value]) => {
    const row = document.createElement("tr");
    const heading = newText("th", name);
    heading.scope = "row";
    row.append(heading, newText("td", value ?? "–"));
    return row;
  });
  document.getElementById(id).replaceChildren(...entries);
}

function newText(kind, text) {
  const element = document.createElement(kind);
  element.append(...breakable(text));
  return element;
}

/** Split a text so that lines can break after its dots, as long layer names need. */
function breakable(text) {
  return String(text)
    .split(/(?<=[._:])(?=\w)/)
    .flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part]));
}

/** Put a text on the clipboard, and say so on the button for a moment. */
async function copy(text, button) {
  button.dataset.label ??= button.textContent;
  let done = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = "The browser refused";
  }
  button.textContent = done;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    button.textContent = button.dataset.label;
  }, 1600);
}
