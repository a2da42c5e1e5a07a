//! A discrete simulation of the worker's side: claims, leases' writes in groups, calls to the ERP and the processor that all
//! of them share. Held against measured drains it tells whether the costs are understood; then it predicts what cannot be
//! measured here.
//!
//! A replica has places for events. Its claimer fills the free ones, a claim after the other; each event runs its script of
//! calls and writes. A call needs one of the replica's places at the ERP, and takes the ERP's time. What is to be written
//! waits for the replica's writer, which takes all that waits. Everything that computes queues for one of the machine's
//! cores. Leases never run out here: what a death costs is the lease, which is configured, and not simulated.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

/// One thing that an event's run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Call,
    Write,
}

/// What is simulated; times in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) replicas: usize,
    /// Cores that everything shares, or that each machine has where `apart`.
    pub(crate) cores: usize,
    /// Each replica stands on a machine of its own, the database on one, and the ERP elsewhere.
    pub(crate) apart: bool,
    pub(crate) in_flight: usize,
    /// Events in hand for each ERP call.
    pub(crate) events_per_call: usize,
    /// How long the ERP takes.
    pub(crate) latency: u64,
    pub(crate) script: Vec<Op>,
    pub(crate) costs: Costs,
}

/// Measured costs.
#[derive(Debug, Clone)]
pub(crate) struct Costs {
    /// Processor time of a call, with the simulated ERP's part of it and everything else that an event's run computes.
    pub(crate) call: u64,
    /// Of a claim or a group's transaction, however large: its statements, in bridge and database, and its flush.
    pub(crate) transaction: u64,
    /// What each event of it adds.
    pub(crate) row: u64,
}

/// Something that happens at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// A core has done what it was given.
    Computed(Work),
    /// The ERP has answered.
    Waited(Work),
}

/// Who computes or waits; the number of the replica, or the event's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Claim(usize),
    Group(usize),
    Call(usize),
}

#[derive(Default)]
struct Replica {
    free: usize,
    claiming: Vec<usize>,
    is_claiming: bool,
    to_write: Vec<usize>,
    group: Vec<usize>,
    to_call: VecDeque<usize>,
    calling: usize,
}

struct Simulation<'a> {
    model: &'a Model,
    now: u64,
    agenda: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    order: u64,
    replicas: Vec<Replica>,
    /// Busy cores, and what waits for one, of each machine.
    machines: Vec<(usize, VecDeque<(u64, Work)>)>,
    /// Of each event its replica and how far it is.
    events: Vec<(usize, usize)>,
    waiting: usize,
    ended: usize,
}

/// Events a second that the model drains out of a backlog of `count`, without start and end.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(crate) fn rate(model: &Model, count: usize) -> f64 {
    let places = model.in_flight * model.events_per_call;
    let replica = || Replica { free: places, ..Replica::default() };
    let machines = if model.apart { model.replicas + 1 } else { 1 };
    let mut simulation = Simulation {
        model,
        now: 0,
        agenda: BinaryHeap::new(),
        order: 0,
        replicas: (0..model.replicas).map(|_| replica()).collect(),
        machines: (0..machines).map(|_| (0, VecDeque::new())).collect(),
        events: Vec::with_capacity(count),
        waiting: count,
        ended: 0,
    };
    (0..model.replicas).for_each(|replica| simulation.claim(replica));
    let (from, to) = (count * 15 / 100, count * 90 / 100);
    let mut begun = 0;
    while let Some(Reverse((at, _, happening))) = simulation.agenda.pop() {
        simulation.now = at;
        simulation.happen(happening);
        if simulation.ended < from {
            begun = at;
        }
        if simulation.ended >= to {
            break;
        }
    }
    (to - from) as f64 / ((simulation.now - begun).max(1) as f64 / 1e6)
}

/// The processor time of a call with which the model drains as fast as was measured; 0 where it never does.
pub(crate) fn calibrated(model: &Model, count: usize, measured: f64) -> u64 {
    let (mut low, mut high) = (0, 20_000);
    while low + 1 < high {
        let call = u64::midpoint(low, high);
        let costs = Costs { call, ..model.costs.clone() };
        if rate(&Model { costs, ..model.clone() }, count) > measured { low = call } else { high = call }
    }
    low
}

impl Simulation<'_> {
    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Computed(work) => {
                let after = if matches!(work, Work::Call(_)) { self.model.latency } else { 0 };
                self.release_core(work);
                self.at(after, Happening::Waited(work));
            }
            Happening::Waited(Work::Claim(replica)) => {
                self.replicas[replica].is_claiming = false;
                for event in std::mem::take(&mut self.replicas[replica].claiming) {
                    self.go_on(event);
                }
                self.claim(replica);
            }
            Happening::Waited(Work::Group(replica)) => {
                for event in std::mem::take(&mut self.replicas[replica].group) {
                    self.go_on(event);
                }
                self.write(replica);
            }
            Happening::Waited(Work::Call(event)) => {
                let replica = self.events[event].0;
                self.replicas[replica].calling -= 1;
                self.go_on(event);
                self.call(replica);
            }
        }
    }

    /// An event does the next thing of its script, or ends.
    fn go_on(&mut self, event: usize) {
        let (replica, done) = self.events[event];
        self.events[event].1 += 1;
        match self.model.script.get(done) {
            Some(Op::Call) => {
                self.replicas[replica].to_call.push_back(event);
                self.call(replica);
            }
            Some(Op::Write) => {
                self.replicas[replica].to_write.push(event);
                self.write(replica);
            }
            None => {
                self.ended += 1;
                self.replicas[replica].free += 1;
                self.claim(replica);
            }
        }
    }

    fn claim(&mut self, replica: usize) {
        let taken = self.replicas[replica].free.min(self.waiting);
        if taken == 0 || self.replicas[replica].is_claiming {
            return;
        }
        self.waiting -= taken;
        let first = self.events.len();
        self.events.extend((0..taken).map(|_| (replica, 0)));
        let state = &mut self.replicas[replica];
        state.free -= taken;
        state.is_claiming = true;
        state.claiming = (first..first + taken).collect();
        self.compute(self.transaction(taken), Work::Claim(replica));
    }

    fn write(&mut self, replica: usize) {
        let state = &mut self.replicas[replica];
        if state.to_write.is_empty() || !state.group.is_empty() {
            return;
        }
        state.group = std::mem::take(&mut state.to_write);
        let count = state.group.len();
        self.compute(self.transaction(count), Work::Group(replica));
    }

    fn call(&mut self, replica: usize) {
        while self.replicas[replica].calling < self.model.in_flight
            && let Some(event) = self.replicas[replica].to_call.pop_front()
        {
            self.replicas[replica].calling += 1;
            self.compute(self.model.costs.call, Work::Call(event));
        }
    }

    fn transaction(&self, events: usize) -> u64 {
        self.model.costs.transaction + self.model.costs.row * events as u64
    }

    fn compute(&mut self, micros: u64, work: Work) {
        let machine = self.machine_of(work);
        if self.machines[machine].0 < self.model.cores {
            self.machines[machine].0 += 1;
            self.at(micros, Happening::Computed(work));
        } else {
            self.machines[machine].1.push_back((micros, work));
        }
    }

    fn release_core(&mut self, work: Work) {
        let machine = self.machine_of(work);
        match self.machines[machine].1.pop_front() {
            Some((micros, work)) => self.at(micros, Happening::Computed(work)),
            None => self.machines[machine].0 -= 1,
        }
    }

    fn machine_of(&self, work: Work) -> usize {
        match work {
            _ if !self.model.apart => 0,
            Work::Claim(_) | Work::Group(_) => self.model.replicas,
            Work::Call(event) => self.events[event].0,
        }
    }

    fn at(&mut self, after: u64, happening: Happening) {
        self.order += 1;
        self.agenda.push(Reverse((self.now + after, self.order, happening)));
    }
}
