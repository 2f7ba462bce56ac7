//! The disk of the embedded database runs full under load, and is given room again.
//!
//! Calls are refused clearly, reading goes on, and the server recovers by itself, with every answer charged once. Takes a
//! small file system of its own, and so root on Linux; without, one line SKIPPED says so.

use crate::load::{Load, assert_exact, until};
use crate::process::{Server, Shop, command, resolved};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

const BUYERS: usize = 12;
const FUNDS_MICROS: i64 = 5_000_000;
const PRICE_MICROS: i64 = 1;
const TIMES: usize = 2;
/// Refusals that are waited for while the disk is full.
const REFUSALS: u64 = 200;
const SETTINGS: [(&str, &str); 1] = [("FAREBOX_LIMITS_MARKETPLACE_ENABLED", "false")];

/// A file system of a few megabytes, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path) -> Result<Self, String> {
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(folder).output();
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(Self(folder.to_owned()));
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    /// Takes all the room that is left.
    fn fill(&self) -> u64 {
        let mut file = std::fs::File::create(self.ballast()).unwrap();
        let mut taken = 0;
        for size in [64 << 10, 4 << 10, 1] {
            while file.write_all(&vec![7; size]).is_ok() {
                taken += size as u64;
            }
        }
        taken
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).stderr(Stdio::null()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_calls_are_refused_and_with_room_they_go_on_and_the_books_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    let disk = match SmallDisk::mount(folder.path()) {
        Ok(disk) => disk,
        Err(why) => return println!("SKIPPED a full disk: no file system can be mounted here: {why}"),
    };
    let place = TestDb::sqlite().await;
    let shop = Shop::open_in(&place, "0.000001", folder).await;
    let server = shop.serve(&SETTINGS).await;
    shop.list(&server).await;
    let load = Load::start(&shop, &server.base, "full", BUYERS);
    for time in 1..=TIMES {
        until("calls that are answered", answers(&load, 200)).await;
        assert_eq!(health(&shop, &server).await, "ok");
        println!(
            "{time}. {} calls answered; {} KiB of ballast fill the disk",
            load.answered.load(Ordering::SeqCst),
            disk.fill() >> 10
        );
        let refused = load.refused.load(Ordering::SeqCst);
        until("refusals", || load.refused.load(Ordering::SeqCst) >= refused + REFUSALS).await;
        assert_eq!(health(&shop, &server).await, "degraded");
        for path in ["/wallet/balance", "/wallet/transactions", "/publishers/things", "/api/v1/discover"] {
            let got = Ask::get(path).key(&shop.buyer).send(&shop.client, &server.base).await.unwrap();
            assert_eq!(got.status.as_u16(), 200, "reading {path} on a full disk: {}", got.text);
        }
        println!("   {} calls refused; the health is degraded, reading goes on", load.refused.load(Ordering::SeqCst));
        disk.free();
        let freed = tokio::time::Instant::now();
        until("calls that are answered again", answers(&load, 100)).await;
        println!("   room again: 100 calls answered {} ms later", freed.elapsed().as_millis());
        assert_eq!(health(&shop, &server).await, "ok");
    }
    let seen = load.end().await;
    assert_eq!(resolved(shop.folder.path(), &place).await, 0, "calls or holds stay open");
    assert!(seen.unclear.is_empty(), "refused without saying why or when to come back: {}", seen.unclear[0]);
    let charged = assert_exact(&shop, &server.base, &seen, FUNDS_MICROS, PRICE_MICROS).await;
    server.kill();
    let (clean, text) = command(shop.folder.path(), &place, &["check-ledger"]);
    assert!(clean, "{text}");
    println!("answers by status {:?}; calls by state {:?}; the books balance", seen.statuses, charged.states);
    drop(disk);
}

fn answers(load: &Load, more: u64) -> impl FnMut() -> bool {
    let (answered, before) = (load.answered.clone(), load.answered.load(Ordering::SeqCst));
    move || answered.load(Ordering::SeqCst) >= before + more
}

async fn health(shop: &Shop<'_>, server: &Server) -> String {
    let got = Ask::get("/health").send(&shop.client, &server.base).await.unwrap();
    assert_eq!(got.status.as_u16(), 200, "{}", got.text);
    got.at("/status")
}
