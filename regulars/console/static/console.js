// What pages do by themselves. Elements say it in attributes, for no page holds scripts of its own.
"use strict";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  const closer = event.target.closest("[data-closes]");
  if (closer) {
    const dialog = closer.closest("dialog");
    if (dialog) dialog.close();
    else closer.closest(".toast").remove();
  }
  // data-fills="ID": that field says what data-text says, for somebody to change and send.
  const filler = event.target.closest("[data-fills]");
  if (filler) {
    const field = document.getElementById(filler.dataset.fills);
    field.value = filler.dataset.text;
    field.focus();
  }
  const toggler = event.target.closest("[data-toggles]");
  if (toggler) {
    const isOpen = document.getElementById(toggler.dataset.toggles).classList.toggle("open");
    toggler.setAttribute("aria-expanded", String(isOpen));
  }
});

// data-key="/": that key goes to the field, or presses the button, wherever nobody types.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  for (const element of document.querySelectorAll("[data-key]")) {
    if (element.dataset.key !== event.key) continue;
    event.preventDefault();
    if (element.matches("input, select, textarea")) element.focus();
    else element.click();
    return;
  }
});

// In a list with data-rows, j and k go from row to row, to its first link or button; data-row-key="h" presses a button
// of the row that has the focus.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
  const here = rows.findIndex((row) => row.contains(document.activeElement));
  if (event.key === "j" || event.key === "k") {
    const row = rows[event.key === "j" ? Math.min(here + 1, rows.length - 1) : Math.max(here - 1, 0)];
    row?.querySelector("a, button, [tabindex]")?.focus();
  } else if (here >= 0) {
    rows[here].querySelector(`[data-row-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

// ? shows the keys of the page.
document.addEventListener("keydown", (event) => {
  const help = document.getElementById("keys");
  if (event.key === "?" && help && !event.target.matches("input, select, textarea")) help.showModal();
});

// data-names="ID": says which file the field ID holds.
document.addEventListener("change", (event) => {
  const said = event.target.id && document.querySelector(`[data-names="${CSS.escape(event.target.id)}"]`);
  if (said) said.value = event.target.files[0]?.name ?? "";
});

// data-slider='["2024-05-01", …]': a range whose places are dates; its form sends the date.
document.addEventListener("input", (event) => {
  if (!event.target.dataset.slider) return;
  const day = JSON.parse(event.target.dataset.slider)[Number(event.target.value)];
  const form = event.target.form;
  form.querySelector("[data-slider-value]").value = day;
  form.querySelector("output").value = day;
  event.target.setAttribute("aria-valuetext", day);
});

// data-shown="ID": a range whose value stands in that element while it moves.
document.addEventListener("input", (event) => {
  if (event.target.dataset.shown) document.getElementById(event.target.dataset.shown).value = event.target.value;
});
