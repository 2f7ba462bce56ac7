//! The outbox on both engines: what is queued leaves once, later, or never, and is unreadable until then.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use farebox_base::{ManualClock, SystemRng, Timestamp};
use farebox_db::{Db, Value, tx};
use farebox_mail::{Folder, Mail, Mailer, MailerParts, Smtp, Transport};
use farebox_testkit::engines::each;
use farebox_vault::Vault;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

struct Post {
    mailer: Mailer,
    clock: Arc<ManualClock>,
}

fn post(db: &Db, folder: PathBuf) -> Post {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000)));
    let rng = Arc::new(SystemRng);
    let transport = Transport::Folder(Folder::new(folder, "Farebox <no-reply@example.com>").unwrap());
    let vault = Vault::from_key([4; 32], rng.clone());
    let mailer = Mailer::new(MailerParts { db: db.clone(), clock: clock.clone(), rng, vault, transport });
    Post { mailer, clock }
}

fn mail(to: &str) -> Mail {
    Mail { to: to.to_owned(), subject: "Grüße".to_owned(), text: "Go to https://a/#token=s3cret\n".to_owned() }
}

async fn queue(db: &Db, mailer: &Mailer, to: &str) {
    tx!(db, tx => { mailer.queue_in(tx, &mail(to)).await }).unwrap();
}

async fn waiting(db: &Db) -> i64 {
    db.one("SELECT COUNT(*) FROM mail_outbox", &[]).await.unwrap().unwrap().get(0).unwrap()
}

#[tokio::test]
async fn a_mail_leaves_once_with_its_transaction_and_not_without() {
    each(async |db| {
        let folder = tempfile::tempdir().unwrap();
        let Post { mailer, .. } = post(&db, folder.path().join("outbox"));
        assert!(mailer.folder().unwrap().latest(9).unwrap().is_empty());
        queue(&db, &mailer, "ada@example.com").await;
        let dropped: farebox_base::Result<()> = tx!(db, tx => {
            mailer.queue_in(tx, &mail("never@example.com")).await?;
            Err(farebox_base::Error::forbidden("the rest failed"))
        });
        assert!(dropped.is_err());
        let (one, two) = tokio::join!(mailer.deliver_round(), mailer.deliver_round());
        assert_eq!(one.unwrap() + two.unwrap(), 1, "two senders at once send it once");
        assert_eq!(mailer.deliver_round().await.unwrap(), 0);
        assert_eq!(waiting(&db).await, 0);
        let kept = mailer.folder().unwrap().latest(9).unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].to.as_str(), kept[0].subject.as_str()), ("ada@example.com", "Grüße"));
        assert_eq!(kept[0].text, "Go to https://a/#token=s3cret\n");
        assert_eq!(kept[0].sent_at, "Thu, 19 Mar 2026 10:00:00 +0000");
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_unreadable_in_the_database() {
    each(async |db| {
        let folder = tempfile::tempdir().unwrap();
        queue(&db, &post(&db, folder.path().to_owned()).mailer, "ada@example.com").await;
        let row = db.one("SELECT sealed FROM mail_outbox", &[]).await.unwrap().unwrap();
        let Value::Blob(sealed) = &row.values()[0] else { panic!("not a blob") };
        for secret in ["s3cret", "ada@example.com", "token"] {
            assert!(!String::from_utf8_lossy(sealed).contains(secret), "{secret}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_can_not_leave_is_tried_again_later_and_dropped_after_a_day() {
    each(async |db| {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("outbox");
        std::fs::write(&blocked, "a file in the folder's place").unwrap();
        let Post { mailer, clock } = post(&db, blocked.clone());
        queue(&db, &mailer, "ada@example.com").await;
        assert_eq!(mailer.deliver_round().await.unwrap(), 0);
        std::fs::remove_file(&blocked).unwrap();
        assert_eq!(mailer.deliver_round().await.unwrap(), 0, "not at once");
        clock.advance(Duration::from_secs(6));
        assert_eq!(mailer.deliver_round().await.unwrap(), 1);

        std::fs::remove_dir_all(&blocked).unwrap();
        std::fs::write(&blocked, "").unwrap();
        queue(&db, &mailer, "late@example.com").await;
        clock.advance(Duration::from_secs(25 * 3_600));
        assert_eq!(mailer.deliver_round().await.unwrap(), 0);
        assert_eq!(waiting(&db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_sender_that_died_is_followed_by_another_after_its_lease() {
    each(async |db| {
        let folder = tempfile::tempdir().unwrap();
        let Post { mailer, clock } = post(&db, folder.path().join("outbox"));
        queue(&db, &mailer, "ada@example.com").await;
        // What a claim writes; its process ends here.
        let until = Timestamp::from_micros(1_773_914_400_000_000).plus(Duration::from_secs(180));
        tx!(db, tx => {
            tx.execute_one("UPDATE mail_outbox SET due_at = $1, attempts = 1", &[until.into()]).await?;
            Ok(())
        })
        .unwrap();
        assert_eq!(mailer.deliver_round().await.unwrap(), 0);
        clock.advance(Duration::from_secs(180));
        assert_eq!(mailer.deliver_round().await.unwrap(), 1);
    })
    .await;
}

#[test]
fn servers_and_senders_that_are_none_are_refused_without_showing_a_password() {
    for url in ["", "mail.example.com", "http://u:hunter2@mail.example.com", "smtps://"] {
        let error = Smtp::check(url, "no-reply@example.com").err().unwrap();
        assert_eq!(error.field.as_deref(), Some("mail.smtp_url"), "{url}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    Smtp::check("smtps://u:hunter2@mail.example.com", "Farebox <no-reply@example.com>").unwrap();
    Smtp::check("smtp://mail.example.com:587?tls=required", "no-reply@example.com").unwrap();
    for from in ["", "nobody", "a@b.c\r\nBcc: e@f.g", "a@b.c, d@e.f"] {
        let error = Smtp::check("smtp://127.0.0.1:25", from).err().unwrap();
        assert_eq!(error.field.as_deref(), Some("mail.from"), "{from}");
    }
}
