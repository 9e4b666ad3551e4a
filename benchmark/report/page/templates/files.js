"use strict";

// What the page carries deflated: volumes, and the files behind tables and figures.
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function say(text) { document.querySelector("#said").textContent = text; }

// Buttons that save a file, or copy it.
for (const article of document.querySelectorAll("[data-experiment]")) {
  const files = JSON.parse(article.querySelector("script.files").textContent);
  for (const button of article.querySelectorAll("[data-file]")) {
    button.addEventListener("click", async () => {
      const name = `${article.dataset.experiment}-${button.dataset.file.split("/").pop()}`;
      save(await inflate(files[button.dataset.file]), name);
      say(`${name} saved.`);
    });
  }
  for (const button of article.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      await copy(new TextDecoder().decode(await inflate(files[button.dataset.copy])));
      say("LaTeX copied.");
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy LaTeX"; }, 2000);
    });
  }
}

function save(bytes, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(document.createElement("textarea"));  // a page served without https
  area.value = text;
  area.select();
  document.execCommand("copy");
  area.remove();
}
