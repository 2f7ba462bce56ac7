//! Answers to closings, brought to the runtimes that wait for them.
//!
//! A task of another runtime is woken with a system call each time. Of what one commit has closed, each runtime is woken
//! once, and hands out the answers itself. Invariant: who is told nothing, because his runtime has ended, learns that too.

use crate::close::Closed;
use farebox_base::Result;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Who waits for a closing.
pub(crate) struct Waiting {
    to: oneshot::Sender<Result<Closed>>,
    /// `None` where nobody knows on which runtime he waits.
    on: Option<Handle>,
}

impl Waiting {
    /// For whoever waits on the current runtime.
    pub(crate) fn new() -> (Self, oneshot::Receiver<Result<Closed>>) {
        let (to, answered) = oneshot::channel();
        (Self { to, on: Handle::try_current().ok() }, answered)
    }

    pub(crate) fn answer(self, answer: Result<Closed>) {
        // Who has left needs no answer.
        let _ = self.to.send(answer);
    }
}

/// What a commit has closed, by runtime.
#[derive(Default)]
pub(crate) struct Answers(Vec<(Handle, Vec<(Waiting, Closed)>)>);

impl Answers {
    pub(crate) fn add(&mut self, mut waiting: Waiting, closed: Closed) {
        let Some(on) = waiting.on.take() else { return waiting.answer(Ok(closed)) };
        match self.0.iter_mut().find(|(known, _)| known.id() == on.id()) {
            Some((_, answers)) => answers.push((waiting, closed)),
            None => self.0.push((on, vec![(waiting, closed)])),
        }
    }

    pub(crate) fn send(self) {
        for (on, answers) in self.0 {
            if answers.len() == 1 {
                hand_out(answers);
            } else {
                on.spawn(async move { hand_out(answers) });
            }
        }
    }
}

fn hand_out(answers: Vec<(Waiting, Closed)>) {
    answers.into_iter().for_each(|(waiting, closed)| waiting.answer(Ok(closed)));
}
