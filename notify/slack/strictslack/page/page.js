// Fetches the page anew every two seconds and puts in what changed; keeps the
// reader at the newest message unless they scrolled away from it. A press is
// sent in the background, and a choice from a menu is one at once.
const pane = () => document.querySelector(".scroll");
const atEnd = (p) => p && p.scrollHeight - p.scrollTop - p.clientHeight < 40;

let shown = document.getElementById("live").innerHTML;

async function refresh() {
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live").innerHTML;
    if (fresh === shown) return;
    const before = pane();
    const follow = atEnd(before);
    const top = before ? before.scrollTop : 0;
    const closed = [...document.querySelectorAll("details:not([open])")].map((d) => d.closest(".message").id);
    document.getElementById("live").innerHTML = shown = fresh;
    for (const id of closed) document.getElementById(id)?.querySelector("details")?.removeAttribute("open");
    const after = pane();
    if (after) after.scrollTop = follow ? after.scrollHeight : top;
  } catch {
    // the server is away: keep what is shown and ask again
  }
}

async function press(form, button) {
  try {
    await fetch(form.action, { method: "POST", redirect: "manual", body: new URLSearchParams(new FormData(form, button)) });
  } catch {
    // the server is away, and shows no change
  }
  await refresh();
}

document.documentElement.classList.add("scripted");
document.addEventListener("submit", (e) => {
  e.preventDefault();
  press(e.target, e.submitter);
});
document.addEventListener("change", (e) => {
  if (e.target.matches("select") && e.target.value) press(e.target.form, e.target.parentElement.querySelector("button"));
});

if (pane() && !location.hash) pane().scrollTop = pane().scrollHeight;
setInterval(refresh, 2000);
