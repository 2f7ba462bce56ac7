"use strict";
// The pages that links in mails lead to. The token stands behind "#" and leaves the address bar at once.

const pageName = document.querySelector("main").dataset.page;
const mailToken = new URLSearchParams(location.hash.slice(1)).get("token") || "";
history.replaceState(null, "", location.pathname);

const places = {
  "sign-in": "Sign in",
  "forgot-password": "Get a mail to choose a new password",
};
// What the fields of the API are to somebody who reads a page.
const spoken = { token: "This link", email: "The email address", name: "The name", password: "The password", new_password: "The password" };

// Why something was refused: what to say, and what the server called it.
class Refused extends Error {
  constructor(status, said) {
    super(inWords(status, said));
    this.status = status;
    this.code = said.error || "";
    this.field = said.field || "";
  }
}

function inWords(status, said) {
  if (status === 429) return "This was tried too often. Wait a few minutes and try again.";
  if (status >= 500) return "The server can't do this at the moment. Try again in a minute.";
  if (status === 404) return "This link is not known here. Open the link of your mail again, and make sure that it is whole.";
  if (said.error === "invalid_token") return "This link is no longer good: it was used before, or its time is over.";
  const message = said.message || "The server refused this (" + status + ")";
  const subject = spoken[said.field];
  const sentence = subject && message.startsWith(said.field) ? subject + message.slice(said.field.length).replace(/^:/, "") : message;
  return sentence.replace(/\.?$/, ".");
}

async function ask(path, body, access) {
  const headers = { "content-type": "application/json" };
  if (access) headers.authorization = "Bearer " + access;
  const request = { method: "POST", headers, body: JSON.stringify(body), credentials: "omit" };
  const reply = await fetch(path, request).catch(() => {
    throw new Error("The server does not answer. Look at your connection and try again.");
  });
  const said = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Refused(reply.status, said);
  return said.data;
}

// These pages keep no session: what they were given ends with their work.
const leave = (access) => ask("/auth/logout", {}, access).catch(() => {});

// Each answers what to say, and the places to go to from there.
const actions = {
  "verify-email": async () => {
    const given = await ask("/auth/verify-email", { token: mailToken });
    await leave(given.access_token);
    return ["Your address " + given.user.email + " is confirmed. You can sign in now.", "sign-in"];
  },
  "forgot-password": async (form) => {
    await ask("/auth/forgot-password", { email: form.get("email") });
    return ["If there is an account with this address, a mail is on its way. Follow its link within an hour.", "sign-in"];
  },
  "reset-password": async (form) => {
    if (form.get("password") !== form.get("again")) throw new Error("The two passwords differ. Type the same one twice.");
    await ask("/auth/reset-password", { token: mailToken, new_password: form.get("password") });
    return ["Your new password is in force, and you were signed out everywhere. Sign in with it.", "sign-in"];
  },
  "accept-invite": async (form) => {
    const given = await ask("/auth/login", { email: form.get("email"), password: form.get("password") });
    try {
      const joined = await ask("/auth/accept-invite", { token: mailToken }, given.access_token);
      const name = (joined && joined.organization_name) || "the organization";
      return ["You are a member of " + name + " now. Sign in to see all your organizations.", "sign-in"];
    } finally {
      await leave(given.access_token);
    }
  },
  "sign-up": async (form) => {
    await ask("/auth/signup", { name: form.get("name"), email: form.get("email"), password: form.get("password") });
    return ["A mail is on its way to " + form.get("email") + ". Follow the link in it to confirm your address."];
  },
  "resend": async (form) => {
    await ask("/auth/resend-verification", { email: form.get("email") });
    return ["If this address waits for its confirmation, a mail is on its way. Follow the newest link."];
  },
};

function show(isGood, text, next) {
  const outcome = document.getElementById("outcome");
  document.getElementById("elsewhere").hidden = true;
  outcome.classList.toggle("bad", !isGood);
  const line = document.createElement("p");
  line.textContent = text;
  const links = document.createElement("p");
  links.className = "links";
  for (const place of next) {
    const link = document.createElement("a");
    link.href = place;
    link.textContent = places[place];
    links.append(link);
  }
  outcome.replaceChildren(line, ...(next.length ? [links] : []));
}

// A link that is no longer good is the end of its form; what may help comes in its place.
function refuse(id, form, error) {
  const isLinkOver = error.status === 404 || error.field === "token";
  const next = [];
  if (isLinkOver) {
    form.hidden = true;
    if (id === "reset-password") next.push("forgot-password");
    next.push("sign-in");
    if (id === "accept-invite") document.getElementById("sign-up").hidden = true;
  } else if (error.code === "invalid_credentials") {
    next.push("forgot-password");
  }
  if ((id === "verify-email" && isLinkOver) || error.code === "email_not_verified") arm("resend");
  show(false, error.message, next);
}

function arm(id) {
  const form = document.getElementById(id);
  form.hidden = false;
  if (form.dataset.armed) return;
  form.dataset.armed = "yes";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const [text, ...next] = await actions[id](new FormData(form));
      show(true, text, next);
      document.getElementById("outcome").dataset.done = id;
      form.hidden = true;
    } catch (error) {
      button.disabled = false;
      refuse(id, form, error);
    }
  });
}

const hasToken = pageName !== "forgot-password" && pageName !== "sign-up";
if (hasToken && !mailToken) {
  const next = pageName === "reset-password" ? ["forgot-password", "sign-in"] : ["sign-in"];
  show(false, "This page is opened by the link of a mail, and the link was not whole. Open it from the mail again.", next);
  if (pageName === "verify-email") arm("resend");
} else {
  arm(pageName);
  document.getElementById("elsewhere").hidden = hasToken;
  if (pageName === "accept-invite") arm("sign-up");
  document.getElementById(pageName === "sign-up" ? "sign-up-alone" : "sign-up-invited").hidden = false;
}
