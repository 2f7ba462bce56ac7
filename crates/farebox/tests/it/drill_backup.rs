//! Backups under load: each is the books of one moment, comes up elsewhere, and is refused when it is damaged.

use crate::load::{Load, assert_exact};
use crate::process::{Shop, command, free_port};
use farebox_base::{Rng as _, SystemRng};
use farebox_db::Db;
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use std::collections::BTreeSet;
use std::path::Path;

const BACKUPS: &str = "FAREBOX_TEST_DRILL_BACKUPS";
const BUYERS: usize = 8;
const FUNDS_MICROS: i64 = 5_000_000;
const PRICE_MICROS: i64 = 1;
const PAGE_BYTES: usize = 4_096;
const FLIPS: usize = 20;
const SETTINGS: [(&str, &str); 1] = [("FAREBOX_LIMITS_MARKETPLACE_ENABLED", "false")];

#[tokio::test(flavor = "multi_thread")]
async fn backups_under_load_are_the_books_of_one_moment_and_come_up_elsewhere() {
    let backups = std::env::var(BACKUPS).map_or(2, |text| text.parse().expect("a number of backups"));
    let place = TestDb::sqlite().await;
    let shop = Shop::open(&place, "0.000001").await;
    let server = shop.serve(&SETTINGS).await;
    shop.list(&server).await;
    let (copies, folder) = (tempfile::tempdir().unwrap(), shop.folder.path());
    let load = Load::start(&shop, &server.base, "load", BUYERS);
    let mut made = vec![];
    for n in 0..backups {
        let file = copies.path().join(format!("backup-{n}"));
        let before = marked(&shop, &server.base, &format!("before-{n}")).await;
        let (ok, text) = beside(folder, &place, &["backup", file.to_str().unwrap()]).await;
        assert!(ok && text.contains("the copy's books balance"), "{text}");
        let after = marked(&shop, &server.base, &format!("after-{n}")).await;
        let (ok, text) = beside(folder, &place, &["migrate"]).await;
        assert!(!ok && text.contains("in use by another process"), "a second process on the file: {text}");
        made.push((file, before, after));
    }
    let mut seen = load.end().await;
    for (n, (_, before, after)) in made.iter().enumerate() {
        seen.received.insert(format!("before-{n}"), before.clone());
        seen.received.insert(format!("after-{n}"), after.clone());
    }
    assert_exact(&shop, &server.base, &seen, FUNDS_MICROS, PRICE_MICROS).await;
    let all = transfers(&folder.join("farebox.db")).await;
    let mut sizes = vec![];
    for (file, before, after) in &made {
        let copied = transfers(file).await;
        assert!(copied.is_subset(&all), "a copy holds a transfer that the books do not");
        assert!(copied.contains(before) && !copied.contains(after), "a copy is not of the moment it was made in");
        sizes.push(copied.len());
    }
    assert!(sizes.is_sorted(), "{sizes:?}");
    println!("{backups} backups beside {} answered calls, with so many transfers: {sizes:?}", seen.received.len());
    server.kill();
    comes_up(&shop, &made[backups - 1].0).await;
    damaged(&shop, &made[backups - 1].0).await;
}

/// Runs a subcommand while the load goes on.
async fn beside(folder: &Path, place: &TestDb, arguments: &[&str]) -> (bool, String) {
    tokio::task::block_in_place(|| command(folder, place, arguments))
}

/// A paid call of its own; answers its id.
async fn marked(shop: &Shop<'_>, base: &str, name: &str) -> String {
    let ask = Ask::get(format!("/publishers/things/ok/0/{name}")).key(&shop.buyer);
    let got = ask.send(&shop.client, base).await.unwrap();
    assert_eq!(got.status.as_u16(), 200, "{}", got.text);
    got.header("x-farebox-call-id").to_owned()
}

async fn transfers(file: &Path) -> BTreeSet<String> {
    let db = Db::sqlite_read_only(file).unwrap();
    let rows = db.query("SELECT id FROM call WHERE state = 'charged'", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

/// The copy, restored into a folder of its own, serves with the same keys, and its balance is what it charged.
async fn comes_up(shop: &Shop<'_>, file: &Path) {
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(shop.folder.path().join("secret.key"), other.path().join("secret.key")).unwrap();
    let (ok, text) = command(other.path(), shop.place, &["restore", file.to_str().unwrap()]);
    assert!(ok && text.contains("the secret key is the one of this database"), "{text}");
    let paid = transfers(file).await.len() as i64;
    let port = free_port();
    let client = crate::process::client(port);
    let address = &shop.upstream_address;
    let server = crate::process::Server::start(other.path(), shop.place, address, &client, port, &SETTINGS).await;
    let balance = Ask::get("/wallet/balance").key(&shop.buyer).send(&client, &server.base).await.unwrap();
    assert_eq!(FUNDS_MICROS - balance.at("/data/balance_atomic").parse::<i64>().unwrap(), paid * PRICE_MICROS);
    server.kill();
    let (clean, text) = command(other.path(), shop.place, &["check-ledger"]);
    assert!(clean, "{text}");
    println!("the last one, restored into another folder, serves; {paid} calls are paid there, and its books balance");
}

/// A flipped byte in a page's own header is always noticed; elsewhere it may stand in a text that nothing can check.
async fn damaged(shop: &Shop<'_>, file: &Path) {
    let (copy, folder) = (file.with_extension("damaged"), shop.folder.path());
    let sound = std::fs::read(file).unwrap();
    let pages = sound.len() / PAGE_BYTES;
    let restored = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x5a;
        std::fs::write(&copy, bytes).unwrap();
        let other = tempfile::tempdir_in(folder).unwrap();
        let (ok, _) = command(other.path(), shop.place, &["restore", copy.to_str().unwrap()]);
        assert_eq!(other.path().join("farebox.db").exists(), ok, "a refused backup was put in place");
        let (clean, text) = command(other.path(), shop.place, &["check-ledger", "--deep"]);
        assert!(clean || !ok, "byte {at}: restored, and the deep check says: {text}");
        ok
    };
    // The type of a page of a tree: the byte that a tree's page begins with.
    let trees: Vec<usize> =
        (1..pages).map(|page| page * PAGE_BYTES).filter(|at| [2, 5, 10, 13].contains(&sound[*at])).collect();
    // A page that is not used any more may begin like a tree, and nobody misses it; the file's head says how many.
    let unused = u32::from_be_bytes(sound[36..40].try_into().unwrap()) as usize;
    let heads: Vec<usize> = trees.iter().copied().step_by((trees.len() / FLIPS).max(1)).collect();
    let unseen: Vec<usize> = heads.iter().copied().filter(|at| restored(*at)).collect();
    assert!(
        unseen.len() <= unused && unseen.len() < heads.len() / 2,
        "{unseen:?} have no type any more, {unused} unused"
    );
    let noticed = (0..FLIPS).filter(|_| !restored(SystemRng.below(sound.len() as u64) as usize)).count();
    let (seen, tried) = (heads.len() - unseen.len(), heads.len());
    println!("a flipped byte at the head of a page: {seen} of {tried} refused; anywhere: {noticed} of {FLIPS} refused");
}
