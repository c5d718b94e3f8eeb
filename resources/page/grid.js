// The pictures in rows and columns. Only those near the visible part are in the document, so that thousands scroll smoothly.

const GAP = 10;
const SPARE_ROWS = 2;
const FAST_ROWS = 3;
const SETTLE_MS = 80;

class Grid {
  /** `open(index)` is called when a picture is chosen. */
  constructor(element, open) {
    this.element = element;
    this.shown = [];
    this.current = 0;
    this.size = 132;
    this.columns = 1;
    this.pitch = 1;
    this.tiles = new Map();
    this.waiting = false;
    this.drawn = "";
    this.from = 0;
    this.settling = 0;
    new ResizeObserver(() => this.layOut()).observe(element);
    addEventListener("scroll", () => this.soon(), { passive: true });
    addEventListener("resize", () => this.soon());
    addEventListener("beforeprint", () => this.draw(0, this.shown.length));
    addEventListener("afterprint", () => this.draw());
    element.addEventListener("click", (event) => {
      const tile = event.target.closest("button");
      if (tile) open(tile.index);
    });
    element.addEventListener("keydown", (event) => this.move(event));
  }

  show(pictures) {
    this.shown = pictures;
    this.current = 0;
    this.element.replaceChildren();
    this.tiles.clear();
    this.drawn = "";
    this.layOut();
  }

  layOut() {
    const width = this.element.clientWidth;
    const columns = Math.max(2, Math.round((width + GAP) / (this.size + GAP)));
    const side = (width - GAP * (columns - 1)) / columns;
    const label = parseFloat(getComputedStyle(this.element).getPropertyValue("--label-lines")) * 20 + 12;
    // The row at the top stays there when the number of columns changes.
    const top = this.firstRow() * this.columns;
    const moved = columns !== this.columns && scrollY > this.element.offsetTop;
    this.columns = columns;
    this.side = side;
    this.pitch = side + label + GAP;
    this.element.style.setProperty("--side", `${side}px`);
    this.element.style.height = `${Math.ceil(this.shown.length / columns) * this.pitch}px`;
    if (moved) scrollTo(0, this.element.offsetTop + Math.floor(top / columns) * this.pitch);
    for (const [index, tile] of this.tiles) this.place(tile, index);
    this.draw();
  }

  firstRow() {
    return Math.max(0, Math.floor((scrollY - this.element.offsetTop) / this.pitch));
  }

  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  /** Put the tiles from `first` up to `last` into the document; by default the visible ones. */
  draw(first, last) {
    const visible = first === undefined;
    if (visible) {
      const row = this.firstRow();
      first = Math.max(0, row - SPARE_ROWS) * this.columns;
      last = (row + Math.ceil(innerHeight / this.pitch) + 1 + SPARE_ROWS) * this.columns;
    }
    last = Math.min(last, this.shown.length);
    const drawn = `${first} ${last} ${this.current}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    // The focused tile stays, or the focus would be lost.
    const wanted = (index) => (index >= first && index < last) || index === this.current;
    const spare = [];
    for (const [index, tile] of this.tiles) {
      if (wanted(index)) continue;
      this.tiles.delete(index);
      spare.push(tile);
    }
    for (let index = first; index < last; index++) this.tile(index, spare);
    if (this.shown.length) this.tile(this.current, spare);
    for (const tile of spare) tile.remove();
    // During fast scrolling only numbers are shown: decoding pictures for a single frame would delay the next one.
    const fast = visible && Math.abs(first - this.from) > FAST_ROWS * this.columns;
    this.from = first;
    clearTimeout(this.settling);
    if (fast) this.settling = setTimeout(() => this.fill(), SETTLE_MS);
    else this.fill();
  }

  /** Load the pictures of the tiles that do not show one yet. */
  fill() {
    for (const [index, tile] of this.tiles) {
      const image = tile.firstChild.firstChild;
      if (!image.src) image.src = this.shown[index].source;
    }
  }

  place(tile, index) {
    const x = (index % this.columns) * (this.side + GAP);
    const y = Math.floor(index / this.columns) * this.pitch;
    tile.style.transform = `translate(${x}px, ${y}px)`;
    tile.style.order = index;
  }

  /** The tile of a picture: the existing one, a spare one, or a new one. */
  tile(index, spare = []) {
    const there = this.tiles.get(index);
    if (there) return there;
    const tile = spare.pop() ?? this.element.appendChild(newTile());
    const picture = this.shown[index];
    const button = tile.firstChild;
    const [image, name, value, layer, badge] = button.children;
    const became = picture.outcome && `, ${picture.outcome}`;
    const label = `${picture.label}, activation ${short(picture.activation)}${became}`;
    button.index = index;
    button.tabIndex = index === this.current ? 0 : -1;
    button.title = button.ariaLabel = label;
    tile.ariaSetSize = this.shown.length;
    tile.ariaPosInSet = index + 1;
    // Not another source for the same image: that would show the old picture until the new one is decoded.
    image.replaceWith(newImage());
    name.textContent = picture.name;
    value.textContent = short(picture.activation);
    layer.textContent = picture.place;
    badge.textContent = picture.outcome;
    badge.hidden = !picture.outcome;
    button.classList.toggle("faded", !picture.useful);
    this.tiles.set(index, tile);
    this.place(tile, index);
    return tile;
  }

  /** The arrow keys, Home and End go from picture to picture. */
  move(event) {
    const last = this.shown.length - 1;
    const to = {
      ArrowLeft: this.current - 1,
      ArrowRight: this.current + 1,
      ArrowUp: this.current - this.columns,
      ArrowDown: this.current + this.columns,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (to >= 0 && to <= last) this.focus(to);
  }

  focus(index) {
    const before = this.tiles.get(this.current);
    if (before) before.firstChild.tabIndex = -1;
    this.current = index;
    const tile = this.tile(index);
    tile.firstChild.tabIndex = 0;
    tile.scrollIntoView({ block: "nearest" });
    tile.firstChild.focus({ preventScroll: true });
    this.draw();
  }
}

function newTile() {
  const tile = document.createElement("div");
  tile.role = "listitem";
  const button = document.createElement("button");
  button.type = "button";
  button.append(newImage(), ...["name", "value", "layer", "badge"].map(newSpan));
  tile.append(button);
  return tile;
}

function newImage() {
  const image = document.createElement("img");
  image.alt = "";
  image.decoding = "async";
  return image;
}

function newSpan(kind) {
  const span = document.createElement("span");
  span.className = kind;
  return span;
}
