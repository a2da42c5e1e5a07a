//! The load: one thread with keep-alive connections over epoll, every request a different event, signed before the clock
//! starts. What it costs itself is measured too: a generator that takes half of the machine flatters every ratio.
//!
//! Without a given rate every connection sends its next request as soon as it has an answer. At a given rate requests are
//! sent when they are due, on whatever connection is free, and their time counts from when they were due: a stall is paid
//! for by every request that it kept waiting.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll,
    time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
        timerfd_settime,
    },
};

use super::{Outcome, requests::Requests};

/// Runs before the measurement begins.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// How long the last answers are waited for at a given rate.
const PATIENCE: Duration = Duration::from_secs(30);
/// What epoll calls the timer; connections have their index.
const TIMER: u64 = u64::MAX;
/// More than an answer takes.
const ANSWER_BYTES: usize = 8 * 1_024;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) span: Duration,
    /// Requests a second; as fast as it goes if none is given.
    pub(crate) pace: Option<f64>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Requests answered 202 a second.
    pub(crate) rate: f64,
    /// Answers other than 202, of the whole run.
    pub(crate) refused: u64,
    /// Requests answered, those of the warm-up included.
    pub(crate) total: u64,
    /// Processor time of the generator for one request, in microseconds.
    pub(crate) own_cost: f64,
    latencies: Vec<Duration>,
}

impl Answers {
    /// Adds how long the answers of another run took.
    pub(crate) fn take_in(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
    }

    /// The latency in milliseconds that this share of the requests did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = (self.latencies.len() as f64 * share) as usize;
        self.latencies.get(index.min(self.latencies.len().saturating_sub(1))).map_or(0.0, |at| at.as_secs_f64() * 1e3)
    }
}

/// Runs a load on a thread of its own.
pub(crate) async fn run(load: Load, requests: Requests) -> Outcome<Answers> {
    tokio::task::spawn_blocking(move || Generator::connect(load, requests)?.run()).await?
}

/// A connection, and since when a request is under way on it.
struct Connection {
    stream: TcpStream,
    since: Option<Instant>,
    answer: Vec<u8>,
}

struct Generator {
    load: Load,
    requests: Requests,
    connections: Vec<Connection>,
    /// Connections on which nothing is under way, the one that has rested longest first.
    free: VecDeque<usize>,
    epoll: OwnedFd,
    timer: OwnedFd,
    begun: Instant,
    sent: usize,
    accepted: u64,
    answers: Answers,
}

impl Generator {
    fn connect(load: Load, requests: Requests) -> Outcome<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), epoll::EventFlags::IN)?;
        let mut connections = Vec::with_capacity(load.connections);
        for index in 0..load.connections {
            let stream = TcpStream::connect(load.address)?;
            stream.set_nodelay(true)?;
            epoll::add(&epoll, &stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
            connections.push(Connection { stream, since: None, answer: Vec::with_capacity(ANSWER_BYTES) });
        }
        Ok(Self {
            load,
            requests,
            free: (0..connections.len()).collect(),
            connections,
            epoll,
            timer,
            begun: Instant::now(),
            sent: 0,
            accepted: 0,
            answers: Answers::default(),
        })
    }

    fn run(mut self) -> Outcome<Answers> {
        let until = self.begun + WARM_UP + self.load.span;
        let own = thread_time();
        let mut events = Vec::with_capacity(self.load.connections + 1);
        loop {
            let now = Instant::now();
            self.send_what_is_due(now, until)?;
            let done = match self.load.pace {
                None => now >= until,
                Some(_) => now >= until && self.free.len() == self.connections.len(),
            };
            if done {
                break;
            }
            if now > until + PATIENCE {
                return Err("requests were not answered in time".into());
            }
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in &events {
                match event.data.u64() {
                    TIMER => drop(rustix::io::read(&self.timer, &mut [0_u8; 8])),
                    index => self.receive(usize::try_from(index)?, until)?,
                }
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        {
            self.answers.rate = self.accepted as f64 / self.load.span.as_secs_f64();
            self.answers.own_cost = (thread_time() - own).as_secs_f64() * 1e6 / self.answers.total.max(1) as f64;
        }
        self.answers.latencies.sort_unstable();
        Ok(self.answers)
    }

    /// Sends on free connections what is due, and sets the timer for what will be.
    fn send_what_is_due(&mut self, now: Instant, until: Instant) -> Outcome<()> {
        while let Some(index) = self.free.front().copied() {
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
            let due = match self.load.pace {
                Some(pace) => self.begun + Duration::from_secs_f64(self.sent as f64 / pace),
                None => now,
            };
            if due >= until {
                return self.wake_after(until.saturating_duration_since(now));
            }
            if due > now {
                return self.wake_after(due - now);
            }
            self.free.pop_front();
            let connection = &mut self.connections[index];
            connection.stream.write_all(self.requests.get(self.sent))?;
            connection.since = Some(due);
            self.sent += 1;
        }
        Ok(())
    }

    fn wake_after(&self, wait: Duration) -> Outcome<()> {
        // A timer of nothing would be none.
        let wait = wait.max(Duration::from_nanos(1));
        let it_value = Timespec { tv_sec: i64::try_from(wait.as_secs())?, tv_nsec: wait.subsec_nanos().into() };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value })?;
        Ok(())
    }

    /// Reads what has come on a connection; notes the answer once it is whole.
    fn receive(&mut self, index: usize, until: Instant) -> Outcome<()> {
        let connection = &mut self.connections[index];
        let mut buffer = [0; ANSWER_BYTES];
        let count = connection.stream.read(&mut buffer)?;
        if count == 0 {
            return Err("the server closed the connection".into());
        }
        connection.answer.extend_from_slice(&buffer[..count]);
        let Some(status) = status_of(&connection.answer)? else { return Ok(()) };
        connection.answer.clear();
        let since = connection.since.take().ok_or("an answer came that nobody asked for")?;
        self.free.push_back(index);
        let now = Instant::now();
        self.answers.total += 1;
        self.answers.refused += u64::from(status != 202);
        // At a given rate each request counts that was due in time, however late its answer is.
        let counted = if self.load.pace.is_some() { since } else { now };
        if (self.begun + WARM_UP..until).contains(&counted) {
            self.accepted += u64::from(status == 202);
            self.answers.latencies.push(now - since);
        }
        Ok(())
    }
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// The status of an answer, once all of it is there.
pub(crate) fn status_of(answer: &[u8]) -> Outcome<Option<u16>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end])?;
    let length = head.lines().filter_map(|line| line.split_once(": ")).find_map(|(name, value)| {
        // Not every server writes names in small letters.
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let length: usize = length.unwrap_or("0").parse()?;
    if answer.len() < end + 4 + length {
        return Ok(None);
    }
    Ok(Some(head.get(9..12).unwrap_or_default().parse()?))
}
