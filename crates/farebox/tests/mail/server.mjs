// Takes mails by SMTP with a user and a password; says its port in its first line and each mail in one line of JSON.
import { SMTPServer } from "smtp-server";

const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
let refuse = Number(process.env.REFUSE_FIRST || 0);

const server = new SMTPServer({
  authMethods: ["PLAIN", "LOGIN"],
  allowInsecureAuth: true,
  disabledCommands: ["STARTTLS"],
  onAuth(auth, _session, done) {
    const right = auth.username === "farebox" && auth.password === "mail-password";
    done(right ? null : new Error("wrong password"), right ? { user: auth.username } : undefined);
  },
  onData(stream, session, done) {
    const parts = [];
    stream.on("data", (part) => parts.push(part));
    stream.on("end", () => {
      if (refuse > 0) {
        refuse -= 1;
        return done(Object.assign(new Error("come back later"), { responseCode: 451 }));
      }
      const { mailFrom, rcptTo } = session.envelope;
      say({ from: mailFrom.address, to: rcptTo.map((to) => to.address), raw: Buffer.concat(parts).toString("utf8") });
      done();
    });
  },
});
server.listen(0, "127.0.0.1", () => say({ port: server.server.address().port }));
