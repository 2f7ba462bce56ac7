//! Load for drills: buyers that call without pause, plainly, with an idempotency key, and streams; and what they got.
//!
//! Each call has a name of its own, which the seller and the call's row know as well. So what was received, what was
//! charged and what the seller was asked can be laid side by side.

use crate::process::{Shop, open_to_read};
use farebox_testkit::app::Ask;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Kinds of calls, and which of them carries an idempotency key.
const KINDS: usize = 4;
const KEYED: usize = 1;
const PAUSE: Duration = Duration::from_millis(2);

/// What the buyers saw.
#[derive(Default, Debug)]
pub struct Seen {
    /// Name and call of each whole answer, status 200.
    pub received: BTreeMap<String, String>,
    /// Names of the calls with an idempotency key that got no answer.
    pub unanswered: Vec<String>,
    /// Names of the calls that got an answer, and another than 200.
    pub refused: BTreeSet<String>,
    /// Answers by status, and 0 where there was none.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers 503 without `Retry-After` or without a word on why.
    pub unclear: Vec<String>,
}

/// Buyers at work.
pub struct Load {
    stop: Arc<AtomicBool>,
    pub answered: Arc<AtomicU64>,
    pub refused: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<Seen>>,
}

impl Load {
    /// Starts so many buyers; `tag` keeps the names of one load apart from another's.
    pub fn start(shop: &Shop<'_>, base: &str, tag: &str, buyers: usize) -> Self {
        let (stop, answered, refused) =
            (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let tasks = (0..buyers)
            .map(|buyer| {
                let (stop, answered, refused) = (stop.clone(), answered.clone(), refused.clone());
                let (client, base, key) = (shop.client.clone(), base.to_owned(), shop.buyer.clone());
                let tag = format!("{tag}-{buyer}");
                tokio::spawn(async move {
                    let mut seen = Seen::default();
                    for n in 0.. {
                        if stop.load(Ordering::SeqCst) {
                            break;
                        }
                        let name = format!("{tag}-{n}");
                        let got = call(buyer + n, &name).key(&key).send(&client, &base).await;
                        let status = seen.note(&name, got);
                        if status == 0 && (buyer + n) % KINDS == KEYED {
                            seen.unanswered.push(name);
                        }
                        match status {
                            200 => answered.fetch_add(1, Ordering::SeqCst),
                            503 => refused.fetch_add(1, Ordering::SeqCst),
                            _ => 0,
                        };
                        if status != 200 {
                            // A server that is away or refuses is not asked without end.
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                    seen
                })
            })
            .collect();
        Self { stop, answered, refused, tasks }
    }

    /// Lets every buyer finish the call that it is at.
    pub async fn end(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Seen::default();
        for task in self.tasks {
            all.add(task.await.unwrap());
        }
        all
    }
}

/// Plain ones, ones with an idempotency key, streams, and longer ones, in turn.
fn call(n: usize, name: &str) -> Ask {
    match n % KINDS {
        0 => Ask::get(format!("/publishers/things/ok/0/{name}")),
        KEYED => Ask::get(format!("/publishers/things/ok/1/{name}")).with("Idempotency-Key", name),
        2 => Ask::get(format!("/publishers/things/events/3/{name}")),
        _ => Ask::get(format!("/publishers/things/slow/15/{name}")),
    }
}

impl Seen {
    /// Asks again for what carried a key and got no answer: it comes now, of the same call where that was paid.
    pub async fn ask_again(&mut self, shop: &Shop<'_>, base: &str) {
        for name in std::mem::take(&mut self.unanswered) {
            let got = call(KEYED, &name).key(&shop.buyer).send(&shop.client, base).await;
            assert_eq!(self.note(&name, got), 200, "{name} was asked for again");
        }
    }

    fn note(&mut self, name: &str, got: farebox_base::Result<farebox_testkit::app::Got>) -> u16 {
        let status = got.as_ref().map_or(0, |got| got.status.as_u16());
        *self.statuses.entry(status).or_default() += 1;
        if !matches!(status, 0 | 200) {
            self.refused.insert(name.to_owned());
        }
        if let Ok(got) = got {
            if status == 200 {
                self.received.insert(name.to_owned(), got.header("x-farebox-call-id").to_owned());
            }
            if status == 503 && (got.header("retry-after").is_empty() || !got.text.contains("recorded")) {
                self.unclear.push(got.text);
            }
        }
        status
    }

    pub fn add(&mut self, other: Seen) {
        self.received.extend(other.received);
        self.unanswered.extend(other.unanswered);
        self.refused.extend(other.refused);
        self.unclear.extend(other.unclear);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }
}

/// What the books say of the calls, once none is open.
#[derive(Debug, Default)]
pub struct Charged {
    /// Calls by their name.
    pub calls: BTreeMap<String, Vec<String>>,
    pub states: BTreeMap<String, i64>,
}

pub async fn charged(shop: &Shop<'_>) -> Charged {
    let db = open_to_read(shop.folder.path(), shop.place);
    let mut all = Charged::default();
    for row in db.query("SELECT state, path, id FROM call", &[]).await.unwrap() {
        let (state, path, id): (String, String, String) =
            (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        if state == "charged" {
            let name = path.rsplit('/').next().unwrap().to_owned();
            all.calls.entry(name).or_default().push(id);
        }
        *all.states.entry(state).or_default() += 1;
    }
    all
}

/// What must hold whatever happened: each answer that came whole is charged once, no name twice, and nothing that the
/// seller was never asked for; and what left the balance is what was charged.
pub async fn assert_exact(shop: &Shop<'_>, base: &str, seen: &Seen, funds: i64, price: i64) -> Charged {
    let charged = charged(shop).await;
    for (name, id) in &seen.received {
        assert_eq!(charged.calls.get(name), Some(&vec![id.clone()]), "the answer to {name} was received");
    }
    let asked: BTreeSet<String> = shop.upstream.named();
    for (name, ids) in &charged.calls {
        assert_eq!(ids.len(), 1, "{name} was charged more than once");
        assert!(asked.contains(name), "{name} was charged and the seller was never asked");
    }
    let balance = Ask::get("/wallet/balance").key(&shop.buyer).send(&shop.client, base).await.unwrap();
    let left: i64 = balance.at("/data/balance_atomic").parse().unwrap();
    assert_eq!(funds - left, charged.calls.len() as i64 * price, "what left the balance is what was charged");
    charged
}

/// Waits for a condition, for at most half a minute.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about in half a minute");
}
