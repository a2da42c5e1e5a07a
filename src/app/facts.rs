//! How the bridge stands, for the door and for the metrics.

use std::{collections::BTreeSet, sync::Arc};

use futures::future::BoxFuture;

use super::replicas::Replicas;
use crate::{
    clock::Millis,
    erp::{Erp, FaultCause},
    http::{self, BlockHint, Dispatch, DispatchFacts},
    store::{PauseScope, Store},
    telemetry::metrics::{self, Metrics},
    worker::Dispatcher,
};

/// How dispatch stands, for the door.
pub(super) struct LiveFacts {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) erp: Erp,
    pub(super) replicas: Arc<Replicas>,
}

impl DispatchFacts for LiveFacts {
    fn facts(&self) -> Dispatch {
        let dispatcher = &self.dispatcher;
        let (paused, words) = dispatcher.paused().map(|pause| (pause.code, pause.words)).unzip();
        let blocks = distinct(dispatcher.blocks().into_iter().map(|block| block.code));
        Dispatch {
            circuit: if self.replicas.circuit_open() { "open" } else { "closed" },
            paused,
            words,
            pauses: distinct(dispatcher.pauses().into_iter().map(|pause| pause.scope.word())),
            block_hints: blocks.iter().map(|code| BlockHint::of(code)).collect(),
            blocks,
            in_flight: dispatcher.in_flight(),
            limit: dispatcher.limit(),
        }
    }

    fn logged_in_since(&self) -> Option<Millis> {
        self.erp.session_mark()
    }

    fn resume(&self) -> BoxFuture<'static, ()> {
        let (dispatcher, erp) = (self.dispatcher.clone(), self.erp.clone());
        Box::pin(async move {
            erp.resume_login().await;
            dispatcher.look_again();
        })
    }
}

fn distinct<T: Ord>(words: impl Iterator<Item = T>) -> Vec<T> {
    words.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Everything that is measured, as it stands now.
pub(super) fn metrics_text(metrics: Metrics, facts: Arc<LiveFacts>, store: Store) -> http::MetricsText {
    Arc::new(move || {
        let dispatch = facts.facts();
        metrics::session(facts.erp.session_mark().is_some(), facts.erp.login_refusal().is_some());
        for (pool, used, idle) in store.connections() {
            metrics::connections(pool, used, idle);
        }
        let pauses = facts.dispatcher.pauses();
        for scope in PauseScope::WORDS {
            metrics::pauses(scope, pauses.iter().filter(|pause| pause.scope.word() == scope).count());
        }
        let blocks = facts.dispatcher.blocks();
        for cause in FaultCause::ALL {
            let count = blocks.iter().filter(|block| block.code == cause.as_str()).count();
            metrics::blocks(cause.as_str(), count);
        }
        let closed = facts.dispatcher.circuit_closed();
        let at_rest = facts.dispatcher.paused().is_some_and(|pause| pause.is_wanted());
        metrics.render(closed, dispatch.paused.is_some(), at_rest, dispatch.in_flight, store.backlog())
    })
}
