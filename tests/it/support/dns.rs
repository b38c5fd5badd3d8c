//! A stub name server on loopback, for `dns.servers`: it answers TXT queries from a table, over UDP and, for
//! large answers, over TCP.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{RData, Record, RecordType, rdata::TXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
};

/// The maximum size of a UDP answer.
const DATAGRAM: usize = 1200;

/// The answer for a name.
#[derive(Debug, Clone)]
enum StubAnswer {
    /// TXT records, each made of strings.
    Records(Vec<Vec<String>>),
    /// A failure (SERVFAIL).
    Failure,
    /// No answer.
    Silence,
}

/// A running name server. It stops when it is dropped.
pub struct NameServer {
    address: SocketAddr,
    names: Arc<Mutex<HashMap<String, StubAnswer>>>,
    asked: Arc<Mutex<Vec<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl NameServer {
    /// Starts one without records.
    pub async fn start() -> Self {
        let names: Arc<Mutex<HashMap<String, StubAnswer>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (address, udp, tcp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a TCP port");
            let address = tcp.local_addr().expect("an address");
            // The UDP port of the same number may be in use.
            if let Ok(udp) = UdpSocket::bind(address).await {
                break (address, udp, tcp);
            }
        };
        let (held, log) = (Arc::clone(&names), Arc::clone(&asked));
        let datagrams = tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut bytes).await {
                let Some(answer) = answer(&bytes[..length], &held, &log) else { continue };
                let mut sent = answer.to_vec().expect("an answer");
                if sent.len() > DATAGRAM {
                    let mut cut = Message::response(answer.metadata.id, OpCode::Query);
                    cut.metadata = answer.metadata;
                    cut.metadata.truncation = true;
                    cut.add_queries(answer.queries.clone());
                    sent = cut.to_vec().expect("a cut answer");
                }
                let _ = udp.send_to(&sent, from).await;
            }
        });
        let (held, log) = (Arc::clone(&names), Arc::clone(&asked));
        let streams = tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let Ok(length) = stream.read_u16().await else { continue };
                let mut bytes = vec![0; usize::from(length)];
                if stream.read_exact(&mut bytes).await.is_err() {
                    continue;
                }
                let Some(answer) = answer(&bytes, &held, &log) else { continue };
                let sent = answer.to_vec().expect("an answer");
                let _ = stream.write_u16(u16::try_from(sent.len()).expect("a short answer")).await;
                let _ = stream.write_all(&sent).await;
            }
        });
        Self { address, names, asked, tasks: vec![datagrams, streams] }
    }

    /// Where it listens: for `Config::dns_servers`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes the TXT records of a name, instead of those it had. Long ones are split as DNS wants it.
    pub fn publish(&self, name: &str, records: &[&str]) {
        let split = |text: &&str| {
            text.as_bytes().chunks(255).map(|part| String::from_utf8(part.to_vec()).expect("ASCII")).collect()
        };
        self.set_answer(name, StubAnswer::Records(records.iter().map(split).collect()));
    }

    /// From now on queries for the name fail.
    pub fn fail(&self, name: &str) {
        self.set_answer(name, StubAnswer::Failure);
    }

    /// From now on queries for the name are not answered.
    pub fn ignore(&self, name: &str) {
        self.set_answer(name, StubAnswer::Silence);
    }

    /// The queried names, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody failed").clone()
    }

    fn set_answer(&self, name: &str, held: StubAnswer) {
        self.names.lock().expect("nobody failed").insert(name.to_lowercase(), held);
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn answer(
    bytes: &[u8],
    names: &Mutex<HashMap<String, StubAnswer>>,
    asked: &Mutex<Vec<String>>,
) -> Option<Message> {
    let question = Message::from_vec(bytes).ok()?;
    let query = question.queries.first()?.clone();
    let name = query.name().to_ascii().trim_end_matches('.').to_lowercase();
    asked.lock().expect("nobody failed").push(name.clone());
    let mut answer = Message::response(question.metadata.id, OpCode::Query);
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    let held = names.lock().expect("nobody failed").get(&name).cloned();
    match held {
        None => answer.metadata.response_code = ResponseCode::NXDomain,
        Some(StubAnswer::Failure) => answer.metadata.response_code = ResponseCode::ServFail,
        Some(StubAnswer::Silence) => return None,
        Some(StubAnswer::Records(records)) if query.query_type() == RecordType::TXT => {
            for strings in records {
                let text = RData::TXT(TXT::new(strings));
                answer.add_answer(Record::from_rdata(query.name().clone(), 300, text));
            }
        }
        Some(StubAnswer::Records(_)) => {}
    }
    answer.add_query(query);
    Some(answer)
}
