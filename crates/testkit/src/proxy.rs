//! A TCP proxy between a program and its chain's node: broadcasts or their answers get lost, nothing is answered, or
//! nobody is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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
    /// Before the node at a port of this machine, on any port.
    pub async fn start(node_port: u16) -> Self {
        Self::start_at(node_port, 0).await
    }

    /// The same on a port that is known before.
    pub async fn start_at(node_port: u16, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(0));
        let of_task = fault.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let fault = of_task.clone();
                tokio::spawn(async move { drop(pass(client, node_port, &fault).await) });
            }
        });
        Self { port, fault }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

async fn pass(mut client: TcpStream, node_port: u16, fault: &AtomicU8) -> std::io::Result<()> {
    let mut node = TcpStream::connect(("127.0.0.1", node_port)).await?;
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
