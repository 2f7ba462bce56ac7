//! The auditor: which answers are permitted. Where an answer was lost it goes on with every book that there may be, and
//! drops those that a later answer rules out.

use crate::sim::model::Model;
use crate::sim::workload::{Action, Answer};
use farebox_base::Timestamp;

pub struct Auditor {
    /// What the book may be; one but while an action is under way.
    books: Vec<Model>,
}

impl Default for Auditor {
    fn default() -> Self {
        Self { books: vec![Model::default()] }
    }
}

impl Auditor {
    pub fn book(&self) -> &Model {
        &self.books[0]
    }

    /// An answer was lost: the action may have happened.
    pub fn widen(&mut self, action: &Action, now: Timestamp) {
        let happened: Vec<Model> =
            self.books.iter().flat_map(|book| outcomes(book, action, now)).map(|(book, _)| book).collect();
        self.books.extend(happened);
    }

    /// Compares an answer with what is permitted.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn judge(&mut self, action: &Action, answer: &Answer, now: Timestamp) -> Result<(), String> {
        let mut permitted: Vec<(Model, Answer)> =
            self.books.iter().flat_map(|book| outcomes(book, action, now)).collect();
        let fits = permitted.iter().rposition(|(_, expected)| expected == answer);
        let Some(fits) = fits else {
            let expected: Vec<&Answer> = permitted.iter().map(|(_, expected)| expected).collect();
            return Err(format!("the ledger answered {answer:?}, permitted was {expected:?}"));
        };
        self.books = vec![permitted.swap_remove(fits).0];
        Ok(())
    }
}

/// Every book that an action can make of one, with its answer.
fn outcomes(book: &Model, action: &Action, now: Timestamp) -> Vec<(Model, Answer)> {
    match action {
        Action::One(operation) => applied(book, std::slice::from_ref(operation), &Default::default(), now, false),
        Action::Batch { operations, aside, promised, .. } => applied(book, operations, aside, now, *promised),
        Action::Expire => {
            let mut book = book.clone();
            book.expire(now);
            vec![(book, Answer::Nothing)]
        }
        Action::Wait { .. } => vec![(book.clone(), Answer::Nothing)],
    }
}

/// A promise that ids are new is dropped where the batch runs a second time.
fn applied(
    book: &Model,
    operations: &[farebox_ledger::Operation],
    aside: &crate::sim::model::Aside,
    now: Timestamp,
    promised: bool,
) -> Vec<(Model, Answer)> {
    let promises = if promised { &[true, false][..] } else { &[false] };
    let outcome = |promised: &bool| {
        let mut book = book.clone();
        let done = book.run(operations, aside, now, *promised)?;
        Some((book, Answer::Done(done)))
    };
    promises.iter().filter_map(outcome).collect()
}
