//! Media datagrams. For each address the server offers there is a port here; behind it each client socket gets a socket
//! of its own towards the server, as a NAT does it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::path::Path;
use super::tasks::Tasks;
use crate::link::DelayQueue;

/// The largest datagram there is.
const LARGEST_DATAGRAM: usize = 65_536;

/// The relay's media ports, one for each address of the server.
#[derive(Debug)]
pub(super) struct MediaPorts {
    ip: IpAddr,
    path: Arc<Path>,
    tasks: Tasks,
    deliveries: mpsc::UnboundedSender<(Instant, Delivery)>,
    ports: Mutex<HashMap<SocketAddr, SocketAddr>>,
    flows: Mutex<HashMap<FlowKey, Flow>>,
}

/// One client socket talking to one address of the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct FlowKey {
    client: SocketAddr,
    server: SocketAddr,
}

#[derive(Debug)]
struct Flow {
    /// Bound and connected to the server.
    upstream: Arc<Socket>,
    /// Where the client's datagrams come in and the server's go out.
    port: Arc<Socket>,
    reader: AbortHandle,
}

/// A socket with a second handle for sending: tokio's own does not send before it has been told of its readiness, and a
/// datagram does not wait.
#[derive(Debug)]
struct Socket {
    reader: UdpSocket,
    writer: std::net::UdpSocket,
}

impl Socket {
    fn open(ip: IpAddr, connect_to: Option<SocketAddr>) -> io::Result<Self> {
        let writer = std::net::UdpSocket::bind((ip, 0))?;
        if let Some(peer) = connect_to {
            writer.connect(peer)?;
        }
        writer.set_nonblocking(true)?;
        Ok(Self { reader: UdpSocket::from_std(writer.try_clone()?)?, writer })
    }
}

#[derive(Debug)]
struct Delivery {
    socket: Arc<Socket>,
    /// `None` on a connected socket.
    to: Option<SocketAddr>,
    datagram: Vec<u8>,
}

impl Delivery {
    fn make(self) {
        // A full socket buffer or a closed port loses the datagram, as in any network.
        let _ = match self.to {
            Some(to) => self.socket.writer.send_to(&self.datagram, to),
            None => self.socket.writer.send(&self.datagram),
        };
    }
}

impl MediaPorts {
    pub(super) fn new(ip: IpAddr, path: Arc<Path>, tasks: Tasks) -> Self {
        let (deliveries, queue) = mpsc::unbounded_channel();
        tasks.spawn(deliver(queue));
        Self { ip, path, tasks, deliveries, ports: Mutex::default(), flows: Mutex::default() }
    }

    /// The relay's port that leads to this address of the server.
    pub(super) fn port_for(self: &Arc<Self>, server: SocketAddr) -> io::Result<SocketAddr> {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&address) = ports.get(&server) {
            return Ok(address);
        }
        let port = Arc::new(Socket::open(self.ip, None)?);
        let address = port.reader.local_addr()?;
        ports.insert(server, address);
        let media = Arc::clone(self);
        self.tasks.spawn(async move { media.read_client(port, server).await });
        Ok(address)
    }

    pub(super) fn rebind(self: &Arc<Self>) -> io::Result<()> {
        let mut flows = self.lock_flows();
        for (&key, flow) in flows.iter_mut() {
            let rebound = self.open_flow(key, Arc::clone(&flow.port))?;
            let old = std::mem::replace(flow, rebound);
            old.reader.abort();
        }
        Ok(())
    }

    async fn read_client(self: Arc<Self>, port: Arc<Socket>, server: SocketAddr) {
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        loop {
            // An error here reports an earlier datagram that could not be delivered.
            let Ok((count, client)) = port.reader.recv_from(&mut buffer).await else { continue };
            match self.upstream_for(FlowKey { client, server }, &port) {
                Ok(upstream) => self.send(&self.path.up, &upstream, None, &buffer[..count]),
                Err(error) => tracing::warn!(%error, "the relay has no port for a client"),
            }
        }
    }

    fn upstream_for(self: &Arc<Self>, key: FlowKey, port: &Arc<Socket>) -> io::Result<Arc<Socket>> {
        let mut flows = self.lock_flows();
        if let Some(flow) = flows.get(&key) {
            return Ok(Arc::clone(&flow.upstream));
        }
        let flow = self.open_flow(key, Arc::clone(port))?;
        let upstream = Arc::clone(&flow.upstream);
        flows.insert(key, flow);
        Ok(upstream)
    }

    fn open_flow(self: &Arc<Self>, key: FlowKey, port: Arc<Socket>) -> io::Result<Flow> {
        let upstream = Arc::new(Socket::open(self.ip, Some(key.server))?);
        let media = Arc::clone(self);
        let (reading, back) = (Arc::clone(&upstream), Arc::clone(&port));
        let reader = self.tasks.spawn(async move { media.read_server(&reading, &back, key.client).await });
        Ok(Flow { upstream, port, reader })
    }

    async fn read_server(&self, upstream: &Socket, port: &Arc<Socket>, client: SocketAddr) {
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        loop {
            // A server that is gone refuses what was sent to it; it may be back for the next datagram.
            let Ok(count) = upstream.reader.recv(&mut buffer).await else { continue };
            self.send(&self.path.down, port, Some(client), &buffer[..count]);
        }
    }

    fn send(&self, direction: &super::path::Direction, socket: &Arc<Socket>, to: Option<SocketAddr>, bytes: &[u8]) {
        for at in direction.offer(bytes.len()).arrivals() {
            let delivery = Delivery { socket: Arc::clone(socket), to, datagram: bytes.to_vec() };
            if at <= Instant::now() {
                delivery.make();
            } else {
                // Fails only while the relay ends.
                let _ = self.deliveries.send((at, delivery));
            }
        }
    }

    fn lock_flows(&self) -> MutexGuard<'_, HashMap<FlowKey, Flow>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds datagrams until their time.
async fn deliver(mut incoming: mpsc::UnboundedReceiver<(Instant, Delivery)>) {
    let mut queue = DelayQueue::default();
    loop {
        while let Some((_, delivery)) = queue.pop(Instant::now()) {
            Delivery::make(delivery);
        }
        let next = queue.next_time();
        tokio::select! {
            received = incoming.recv() => match received {
                Some((at, delivery)) => queue.push(at, delivery),
                None => return,
            },
            () = sleep_until(next) => {}
        }
    }
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
