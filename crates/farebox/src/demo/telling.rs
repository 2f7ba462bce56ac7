//! How the story is told: steps, the curl line of each request, what came back, and what must hold.

use super::client::{Ask, Got};
use crate::cli::say;
use farebox_base::Micros;
use farebox_net::{Client, Policy};
use http::StatusCode;

/// The longest reply that is printed.
const SHOWN_MAX: usize = 160;

/// Tells the story and remembers where it is.
pub(super) struct Telling {
    base: String,
    step: String,
    client: Option<Client>,
    /// Shell variables that stand for long texts in the curl lines.
    variables: Vec<(&'static str, String)>,
}

/// A step that did not hold: which, and why.
pub(super) type Told<T = ()> = Result<T, String>;

impl Telling {
    pub(super) fn new(base: &str) -> Self {
        let allow = base.trim_start_matches("http://").parse().into_iter().collect();
        let client = Client::new(Policy { allow, ..Policy::default() }).ok();
        Self { base: base.to_owned(), step: "the beginning".to_owned(), client, variables: Vec::new() }
    }

    /// From here on `$NAME` stands for the text, as the line that is printed says to the reader's shell.
    pub(super) fn let_be(&mut self, name: &'static str, text: &str) {
        say(format!("$ {name}={text}"));
        self.variables.push((name, text.to_owned()));
    }

    /// A request as a line for the shell.
    fn line(&self, ask: &Ask) -> String {
        let mut line = ask.curl(&self.base);
        for (name, text) in &self.variables {
            line = line.replace(text.as_str(), &format!("${name}"));
        }
        line
    }

    /// Begins a step.
    pub(super) fn step(&mut self, title: &str) {
        self.step = title.to_owned();
        say(format!("\n== {title}"));
    }

    /// Sends a request and prints it as a curl line, and what came back.
    pub(super) async fn ask(&self, ask: &Ask, expected: StatusCode) -> Told<Got> {
        say(format!("$ {}", self.line(ask)));
        let got = self.ask_quietly(ask, expected).await?;
        self.came(got.status, &got.text);
        Ok(got)
    }

    /// Prints what came back.
    pub(super) fn came(&self, status: StatusCode, text: &str) {
        say(format!("  {} {}", status.as_u16(), shortened(text)));
    }

    /// Prints a command that does what is done here.
    pub(super) fn command(&self, line: impl AsRef<str>) {
        say(format!("$ {}", line.as_ref()));
    }

    /// Sends a request without a word.
    pub(super) async fn ask_quietly(&self, ask: &Ask, expected: StatusCode) -> Told<Got> {
        let client = self.client.as_ref().ok_or_else(|| self.failed("no client"))?;
        let got = ask.send(client, &self.base).await.map_err(|e| self.failed(&format!("{e:?}")))?;
        if got.status == expected {
            Ok(got)
        } else {
            Err(self.failed(&format!(
                "expected status {}, got {}: {}",
                expected.as_u16(),
                got.status.as_u16(),
                got.text
            )))
        }
    }

    /// Prints a line of explanation.
    pub(super) fn note(&self, text: impl AsRef<str>) {
        say(format!("  -> {}", text.as_ref()));
    }

    /// What must hold for the step to hold.
    pub(super) fn must(&self, holds: bool, what: &str) -> Told {
        if holds { Ok(()) } else { Err(self.failed(what)) }
    }

    /// The same for two amounts.
    pub(super) fn must_be(&self, what: &str, found: Micros, expected: Micros) -> Told {
        self.must(found == expected, &format!("{what} should be {expected} USDC and is {found} USDC"))
    }

    pub(super) fn failed(&self, why: &str) -> String {
        format!("{}: {why}", self.step)
    }
}

/// One line, cut where it is long.
fn shortened(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= SHOWN_MAX {
        return line;
    }
    let start: String = line.chars().take(SHOWN_MAX).collect();
    format!("{start}…")
}

/// What a reader may do once the story is over.
pub(super) fn what_next(base: &str, more: Option<String>) -> String {
    let more = more.map(|line| format!("  - {line}\n")).unwrap_or_default();
    format!(
        "\nThe server is still up. Repeat any line above, or:\n\
         {more}\
         \x20 - browse the three doors' documents: {base}/docs\n\
         \x20 - look at the metrics: curl -s {base}/metrics\n\
         \x20 - read what is configurable: farebox config\n\
         \x20 - run one that keeps its data: farebox serve --data-dir ./farebox-data\n\
         Everything here lives in a temporary folder and is gone when you press Ctrl-C."
    )
}
