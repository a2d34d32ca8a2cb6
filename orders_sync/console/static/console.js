// Live parts of the console. Every page works without this file.
//
// data-refresh="5"      the element is fetched again with its page every 5 seconds and replaced
// data-events="/path"   server-sent events: each brings the new HTML of the element
// data-auto             a form that is sent when one of its fields changes

const waiting = new Map();
const AGAIN = 5000; // milliseconds

function inUse(element) {
  const focused = document.activeElement;
  const fields = [...element.querySelectorAll("input, select, textarea")];
  return fields.includes(focused) || fields.some(isTouched);
}

function replace(element, html) {
  const found = new DOMParser().parseFromString(html, "text/html").getElementById(element.id);
  if (!found || inUse(element)) return element;
  const open = new Set([...element.querySelectorAll("details[open][id]")].map((each) => each.id));
  for (const each of found.querySelectorAll("details[id]")) each.open = open.has(each.id) || each.open;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const fresh = document.adoptNode(found);
  const same = focused && counterpart(focused, element, fresh);
  element.replaceWith(fresh);
  same?.focus({ preventScroll: true });
  return fresh;
}

// What has the focus in `old`, in `fresh`: by its id, else by its place among those of the same address or text.
function counterpart(focused, old, fresh) {
  if (focused.id) return fresh.querySelector(`#${CSS.escape(focused.id)}`);
  const key = (each) => `${each.tagName} ${each.getAttribute("href") ?? each.textContent}`;
  const all = (root) => [...root.querySelectorAll("a, button, summary, [tabindex]")];
  const alike = (root) => all(root).filter((each) => key(each) === key(focused));
  const those = alike(fresh);
  return those[alike(old).indexOf(focused)] ?? those[0];
}

// Says since when no answer comes, until one does.
function connected(answers) {
  const line = document.getElementById("offline");
  if (!line || line.hidden === answers) return;
  line.hidden = answers;
  if (answers) return;
  line.querySelector("time").textContent = new Date().toLocaleTimeString("en-GB", { timeZone: line.dataset.zone });
}

// What was typed or chosen in a form, and is not sent yet.
function isTouched(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.localName !== "select") return "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue;
  const first = [...field.options].findIndex((each) => each.defaultSelected);
  return !field.multiple && field.selectedIndex !== Math.max(first, 0);
}

function logIn() {
  const ended = document.getElementById("ended");
  if (ended && [...document.forms].some((form) => [...form.elements].some(isTouched))) ended.hidden = false;
  else location.reload(); // the server sends the browser to the log-in, and back here
}

async function refresh(element) {
  try {
    const answer = await fetch(location.href, { headers: { "X-Part": element.id }, redirect: "manual" });
    if (answer.status === 401 || answer.type === "opaqueredirect") return logIn();
    const text = await answer.text();
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!page.getElementById(element.id)) {
      if (answer.ok) location.reload(); // the page is another one now: the database is back
      element.classList.add("stale");
    } else {
      element = replace(element, text);
      element.classList.remove("stale");
    }
    connected(true);
  } catch {
    element.classList.add("stale"); // the console does not answer: what is shown is old
    connected(false);
  }
  schedule(element);
  return element;
}

function schedule(element) {
  const seconds = Number(element.dataset.refresh);
  if (!element.id || !seconds) return;
  clearTimeout(waiting.get(element.id));
  waiting.set(element.id, setTimeout(() => {
    if (document.hidden) return schedule(element);
    refresh(element);
  }, seconds * 1000));
}

function listen(element) {
  let part = element;
  const source = new EventSource(element.dataset.events);
  source.addEventListener("part", (event) => { part = replace(part, event.data); });
  source.addEventListener("end", () => { source.close(); location.reload(); });
  source.addEventListener("error", () => {
    part.classList.add("stale");
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listenAgain(part), AGAIN); // an answer of another kind
    else connected(false); // the browser asks again
  });
  source.addEventListener("open", () => { part.classList.remove("stale"); connected(true); });
}

async function listenAgain(part) {
  const fresh = await refresh(part);
  if (fresh?.dataset.events) listen(fresh);
  else if (fresh) location.reload();
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return; // it changes nothing, and a file leaves the page as it is
  // a second click must not send the form twice; the button's own value is read before it is disabled
  setTimeout(() => { for (const each of event.target.querySelectorAll("button")) each.disabled = true; });
});

window.addEventListener("pageshow", () => {
  for (const each of document.querySelectorAll("button:disabled")) each.disabled = false;
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-auto]")) form.requestSubmit();
});

// a form that is shown again was an answer to a POST: reloading and refreshing ask for its page
const here = document.querySelector("main[data-here]")?.dataset.here;
if (here) history.replaceState(null, "", here);

for (const each of document.querySelectorAll("[data-refresh]")) schedule(each);
for (const each of document.querySelectorAll("[data-events]")) listen(each);
