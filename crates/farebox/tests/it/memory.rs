//! A gibibyte each way through the server: its memory stays small and every byte arrives.

use crate::process::{Server, Shop};
use farebox_testkit::app::{BLOCK, block};
use farebox_testkit::engines::TestDb;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

const GIBIBYTE: usize = 1 << 30;
const PEAK_MAX_KIB: u64 = 96 << 10;

/// The most memory that a process ever had resident, in KiB; `None` where the system does not tell.
fn peak_kib(server: &Server) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

fn expected_digest() -> String {
    let (mut hash, block) = (blake3::Hasher::new(), block());
    for _ in 0..GIBIBYTE / BLOCK {
        hash.update(&block);
    }
    hash.finalize().to_hex().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_each_way_passes_unchanged_in_constant_memory() {
    let place = TestDb::sqlite().await;
    let shop = Shop::open(&place, "0.01").await;
    let server = shop.serve(&[]).await;
    shop.list(&server).await;
    let request = |path: &str| {
        let builder = Request::builder().uri(format!("{}/publishers/things/{path}", server.base));
        builder.header("authorization", format!("Bearer {}", shop.buyer))
    };
    let expected = expected_digest();

    let down = request(&format!("bytes/{GIBIBYTE}")).body(farebox_net::empty()).unwrap();
    let mut body = shop.client.send(down).await.unwrap().into_body();
    let (mut hash, mut length) = (blake3::Hasher::new(), 0);
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        hash.update(&data);
        length += data.len();
    }
    assert_eq!((length, hash.finalize().to_hex().as_str()), (GIBIBYTE, expected.as_str()));

    let block = block();
    let frames = (0..GIBIBYTE / BLOCK).map(move |_| Ok::<_, farebox_net::BoxError>(Frame::data(block.clone())));
    let stream = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let up = request("sink").method("POST").body(stream).unwrap();
    let reply = shop.client.send(up).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let reply: serde_json::Value = serde_json::from_slice(&reply).unwrap();
    assert_eq!((&reply["length"], &reply["blake3"]), (&GIBIBYTE.into(), &expected.into()));

    match peak_kib(&server) {
        Some(peak) => {
            println!("peak memory of the server: {peak} KiB");
            assert!(peak < PEAK_MAX_KIB, "the server's memory peaked at {peak} KiB");
        }
        None => println!("SKIPPED the memory's peak: this system has no /proc"),
    }
}
