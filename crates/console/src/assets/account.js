"use strict";
// The pages that links in mails lead to. The token stands behind "#" and leaves the address bar at once.

const pageName = document.querySelector("main").dataset.page;
const mailToken = new URLSearchParams(location.hash.slice(1)).get("token") || "";
history.replaceState(null, "", location.pathname);

async function ask(path, body, access) {
  const headers = { "content-type": "application/json" };
  if (access) headers.authorization = "Bearer " + access;
  const reply = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "omit" });
  const said = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(said.message || "The server answered " + reply.status + ".");
  return said.data;
}

// These pages keep no session: what they were given ends with their work.
const leave = (access) => ask("/auth/logout", {}, access).catch(() => {});

const actions = {
  "verify-email": async () => {
    const given = await ask("/auth/verify-email", { token: mailToken });
    await leave(given.access_token);
    return "Your address " + given.user.email + " is confirmed. You can sign in.";
  },
  "forgot-password": async (form) => (await ask("/auth/forgot-password", { email: form.get("email") })).message + ".",
  "reset-password": async (form) => {
    if (form.get("password") !== form.get("again")) throw new Error("The two passwords differ.");
    const done = await ask("/auth/reset-password", { token: mailToken, new_password: form.get("password") });
    return done.message + ".";
  },
  "accept-invite": async (form) => {
    const given = await ask("/auth/login", { email: form.get("email"), password: form.get("password") });
    try {
      await ask("/auth/accept-invite", { token: mailToken }, given.access_token);
    } finally {
      await leave(given.access_token);
    }
    return "Welcome. You are a member of the organization.";
  },
  "sign-up": async (form) => {
    const body = { name: form.get("name"), email: form.get("email"), password: form.get("password") };
    return (await ask("/auth/signup", body)).message + ".";
  },
};

function arm(id) {
  const form = document.getElementById(id);
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const outcome = document.getElementById("outcome");
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      outcome.textContent = await actions[id](new FormData(form));
      outcome.dataset.done = id;
      form.hidden = true;
    } catch (error) {
      outcome.textContent = error.message;
      button.disabled = false;
    }
  });
}

const needsToken = pageName !== "forgot-password";
if (needsToken && !mailToken) {
  document.getElementById("outcome").textContent = "This page is opened by the link of a mail; open that link again.";
} else {
  arm(pageName);
  if (pageName === "accept-invite") arm("sign-up");
}
