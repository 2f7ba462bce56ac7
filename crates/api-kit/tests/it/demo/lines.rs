//! What is logged on a thread, for tests that read it.
//!
//! One subscriber serves the whole process and is there before the first application: with one per test, an event whose
//! place in the code is met for the first time on two threads at once may stay switched off for both.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

thread_local! {
    static KEPT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct ToThread;

impl Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        KEPT.with_borrow_mut(|kept| kept.iter_mut().for_each(|kept| kept.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Puts the subscriber of the process in place.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| ToThread).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// What this thread logs from here on.
pub struct Lines;

impl Lines {
    pub fn start() -> Self {
        KEPT.set(Some(Vec::new()));
        Self
    }

    /// The lines since `start`.
    pub fn text(self) -> String {
        String::from_utf8(KEPT.take().unwrap()).unwrap()
    }
}
