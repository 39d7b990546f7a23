// Draws every chart of the page in its place.
const charts = JSON.parse(document.getElementById("charts").textContent);
const places = [...document.querySelectorAll(".panel")];

async function draw(place) {
  const spec = { ...charts.specs[Number(place.dataset.chart)], config: charts.config };
  const options = { actions: false, renderer: "svg", defaultStyle: false };
  const inside = document.createElement("div");
  inside.ariaHidden = "true"; // the place itself says what the chart shows
  place.replaceChildren(inside);
  await vegaEmbed(inside, spec, options);
}

Promise.all(places.map(draw)).then(() => document.body.classList.add("drawn"));

// A run under way writes the page anew; here it is read anew, unless the reader does not want it.
const reload = document.getElementById("reload");
if (reload) {
  reload.checked = sessionStorage.getItem("reload") !== "no";
  reload.addEventListener("change", () => {
    sessionStorage.setItem("reload", reload.checked ? "yes" : "no");
  });
  setInterval(() => reload.checked && location.reload(), 1000 * Number(reload.dataset.seconds));
}
