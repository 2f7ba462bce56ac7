//! A TCP proxy between a server and its chain: broadcasts or their answers get lost, nothing is answered, or nobody is
//! there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None = 0,
    /// The connection is cut before the node sees a broadcast.
    LoseBroadcasts = 1,
    /// The node does what it is told, and the connection is cut before it can say so.
    LoseAnswers = 2,
    /// Broadcasts arrive, and from then on nothing is answered.
    HangAfterBroadcast = 3,
    /// Nothing is answered.
    Hang = 4,
    /// Every connection is cut at once.
    Away = 5,
}

/// The proxy; it ends with the test's runtime.
pub struct Proxy {
    pub port: u16,
    fault: Arc<AtomicU8>,
}

impl Proxy {
    /// Listens on `port`, or on any where that is 0.
    pub async fn start(node: &Url, port: u16) -> Self {
        let target = format!("127.0.0.1:{}", node.port().unwrap());
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(0));
        let of_task = fault.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, fault) = (target.clone(), of_task.clone());
                tokio::spawn(async move { drop(pass(client, &target, &fault).await) });
            }
        });
        Self { port, fault }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

async fn pass(mut client: TcpStream, target: &str, fault: &AtomicU8) -> std::io::Result<()> {
    let mut node = TcpStream::connect(target).await?;
    let (mut request, mut answer) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let is = |wanted: Fault| fault.load(Ordering::SeqCst) == wanted as u8;
    let mut loses = false;
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let bytes = &request[..read?];
                let broadcasts = bytes.windows(22).any(|window| window == b"eth_sendRawTransaction");
                if bytes.is_empty() || is(Fault::Away) || (broadcasts && is(Fault::LoseBroadcasts)) {
                    return Ok(());
                }
                loses = broadcasts && is(Fault::LoseAnswers);
                if broadcasts && is(Fault::HangAfterBroadcast) {
                    fault.store(Fault::Hang as u8, Ordering::SeqCst);
                } else if is(Fault::Hang) {
                    return hang(fault).await;
                }
                node.write_all(bytes).await?;
            }
            read = node.read(&mut answer) => {
                let bytes = &answer[..read?];
                if bytes.is_empty() || loses || is(Fault::Away) {
                    return Ok(());
                }
                if is(Fault::Hang) {
                    return hang(fault).await;
                }
                client.write_all(bytes).await?;
            }
        }
    }
}

/// Keeps a connection open and silent until the fault is over.
async fn hang(fault: &AtomicU8) -> std::io::Result<()> {
    while fault.load(Ordering::SeqCst) == Fault::Hang as u8 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    Ok(())
}
