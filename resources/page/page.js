// Start: read the data, show the pictures, and apply the filter.

const data = JSON.parse(document.getElementById("data").textContent);
const layers = [...new Set(data.pictures.map((p) => p.recipe.target.layer).filter(Boolean))];
const prefix = commonPrefix(layers);
for (const picture of data.pictures) {
  const { target, activation, model } = picture.recipe;
  const isUnit = target.kind === "unit";
  picture.unit = isUnit ? target.index : null;
  picture.layer = isUnit ? target.layer : null;
  if (target.kind === "text") picture.label = picture.name = `“${target.text}”`;
  picture.place = isUnit && layers.length > 1 ? target.layer.slice(prefix.length) : "";
  picture.activation = activation.picture;
  picture.haystack = `${picture.label} ${model} ${picture.outcome}`.toLowerCase();
  picture.source = `data:image/webp;base64,${picture.image}`;
}

const input = Object.fromEntries(
  ["words", "layer", "least", "most", "order", "size"].map((id) => [id, document.getElementById(id)]),
);
const grid = new Grid(document.getElementById("grid"), (index) => detail.open(grid.shown, index));
const detail = new Detail(data.knobs, (index) => grid.focus(index));

function find() {
  const number = (field, otherwise) => (field.value === "" ? otherwise : Number(field.value));
  const found = findPictures(data.pictures, {
    words: input.words.value,
    layer: input.layer.value,
    least: number(input.least, -Infinity),
    most: number(input.most, Infinity),
    order: input.order.value,
  });
  const all = data.pictures.length.toLocaleString("en");
  const some = found.length.toLocaleString("en");
  setText("count", found.length === data.pictures.length ? all : `${some} of ${all}`);
  document.getElementById("none").hidden = found.length > 0;
  if (scrollY > grid.element.offsetTop) scrollTo(0, 0);
  grid.show(found);
}

function prepare() {
  const count = data.pictures.length;
  const models = [...new Set(data.pictures.map((p) => p.recipe.model))];
  const days = [...new Set(data.pictures.map((p) => p.recipe.date.slice(0, 10)))].sort();
  const about = [`${count.toLocaleString("en")} ${count === 1 ? "picture" : "pictures"}`, some(models, "models")];
  if (layers.length) about.push(some(layers, "layers"));
  about.push(days.length > 1 ? `${days[0]} to ${days[days.length - 1]}` : days[0]);
  setText("about", about.join("  ·  "));
  for (const layer of layers) input.layer.append(new Option(layer, layer));
  document.getElementById("layers").hidden = layers.length < 2;
  grid.element.classList.toggle("places", layers.length > 1);
  const values = data.pictures.map((p) => p.activation);
  input.least.placeholder = short(values.reduce((a, b) => Math.min(a, b)));
  input.most.placeholder = short(values.reduce((a, b) => Math.max(a, b)));
  grid.size = Number((input.size.value = count > 1000 ? 108 : count > 100 ? 132 : 176));
}

function some(names, what) {
  return names.length === 1 ? names[0] : `${names.length} ${what}`;
}

for (const field of [input.words, input.least, input.most]) field.addEventListener("input", find);
for (const field of [input.layer, input.order]) field.addEventListener("change", find);
input.size.addEventListener("input", () => {
  grid.size = Number(input.size.value);
  grid.layOut();
});
document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("clear").addEventListener("click", () => {
  for (const field of [input.words, input.layer, input.least, input.most]) field.value = "";
  find();
  input.words.focus();
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && !detail.dialog.open && !["INPUT", "SELECT"].includes(document.activeElement.tagName)) {
    event.preventDefault();
    input.words.focus();
  }
});

prepare();
find();
