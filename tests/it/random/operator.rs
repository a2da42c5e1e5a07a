//! Plays the people of a schedule: who meddles with the customers in the ERP, and the operator, who gives orders and decides
//! where only a person can.

use erp_bridge::{
    event::Status,
    store::{EventFilter, EventRow, StepState},
};
use rand::{RngExt, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{
    drive::Schedule,
    orders::{Hands, Order},
    people::Deed,
};

impl Schedule {
    /// Now and then a person deletes or merges the customer of one contact, or undoes its link.
    pub(super) async fn meddle(&mut self) {
        if !self.meddles || !self.rng.random_bool(0.2) {
            return;
        }
        let alone: Vec<_> = (0..self.outbox.len()).filter(|at| !self.script.people[*at].shares).collect();
        let Some(at) = alone.choose(&mut self.rng).copied() else { return };
        let person = &self.script.people[at];
        self.erp_is_at_rest().await;
        if self.people.act(&mut self.rng, &self.world, &person.id).await {
            self.outbox[at].push_front(person.promotion());
        }
    }

    /// Now and then an operator assigns the customer of one contact to a salesperson, takes it back, applies for it or approves
    /// it (客户指派, 收回, 申请, 审批).
    pub(super) async fn order(&mut self) {
        if self.meddles || !self.rng.random_bool(0.05) {
            return;
        }
        let alone: Vec<_> = self.script.people.iter().filter(|person| !person.shares).collect();
        let Some(person) = alone.choose(&mut self.rng) else { return };
        let order = Order::draw(&mut self.rng);
        let (method, what, body) = order.request();
        let (status, answer) = self.world.call(method, &format!("/v1/contacts/{}/{what}", person.id), body).await;
        assert!([202, 404].contains(&status), "{status} {answer}");
        if status == 202 {
            let orders = self.orders.entry(person.id.clone()).or_default();
            orders.push((answer["id"].as_str().unwrap().to_owned(), order));
        }
    }

    /// Now and then an operator has everything that is held judged anew.
    pub(super) async fn replay(&mut self) {
        if self.rng.random_bool(0.05) {
            let body = json!({ "status": "held" });
            let (status, answer) = self.world.call("POST", "/v1/events/replay", Some(body)).await;
            assert_eq!(status, 200, "{answer}");
        }
    }

    /// The operator looks into the ERP and says what is so.
    pub(super) async fn decide(&mut self) {
        let open = EventFilter { statuses: vec![Status::NeedsReview], ..EventFilter::default() };
        for event in self.world.app.store.list_events(&open, None, 100).await.unwrap() {
            self.erp_is_at_rest().await;
            let contact = event.contact_id.as_deref().unwrap();
            // Somebody wants it planned anew first; then the same is asked again.
            if self.rng.random_bool(0.1) {
                self.again(&event.id, "replan").await;
                continue;
            }
            let decision = match event.error_code.as_deref() {
                Some("candidates" | "same_name") => Some(self.script.who_it_is(contact, &self.world.sim.handle)),
                Some("duplicate") => match self.script.who_it_is(contact, &self.world.sim.handle) {
                    known if known["decision"] == "link" => Some(known),
                    // Nobody has what the ERP says that somebody has.
                    _ => {
                        self.again(&event.id, "replay").await;
                        None
                    }
                },
                Some("customer_gone") => match self.people.did_to(contact) {
                    Some(Deed::Deleted { .. }) => Some(json!({ "decision": "recreate" })),
                    // Before anything of the contact was filled in by which it is found.
                    Some(Deed::Merged(into)) => Some(json!({ "decision": "link", "ord": into })),
                    _ => panic!("nobody touched it: {event:?}"),
                },
                // The ERP lied twice in a row; he looks, and it is not there.
                Some("not_stored") => Some(json!({ "decision": "resend" })),
                Some("outcome_unknown") if self.is_order(&event.id) => {
                    Some(self.was_carried_out(&event.id, contact).await)
                }
                Some("outcome_unknown") if self.installation.blind => self.is_there(&event.id, contact).await,
                _ => panic!("nobody should have to decide: {event:?}"),
            };
            // A decision that was sent when the worker died may have been carried out since.
            let Some(decision) = decision else { continue };
            let path = format!("/v1/events/{}/resolve", event.id);
            let (status, answer) = self.world.call("POST", &path, Some(decision)).await;
            assert!([200, 409].contains(&status), "{status} {answer}");
        }
    }

    /// Puts an event back into its turn, unless somebody was faster.
    async fn again(&self, event: &str, how: &str) {
        let (status, answer) = self.world.call("POST", &format!("/v1/events/{event}/{how}"), None).await;
        assert!([200, 409].contains(&status), "{how}: {status} {answer}");
    }

    fn is_order(&self, event: &str) -> bool {
        self.order_of(event).is_some()
    }

    /// The order that an event is, and the contact of whose customer it was given.
    fn order_of(&self, event: &str) -> Option<(&str, Order)> {
        let mut all = self.orders.iter().flat_map(|(contact, orders)| orders.iter().map(move |order| (contact, order)));
        all.find(|(_, (id, _))| id == event).map(|(contact, (_, order))| (contact.as_str(), *order))
    }

    /// Whether an event that is dead is an order that the ERP had a reason to refuse. Whoever orders an assignment names the
    /// salesperson, and no other event waits for one whose account is closed; the rest is refused for where the customer is.
    pub(super) async fn is_rightly_refused(&self, event: &EventRow) -> bool {
        let Some((contact, order)) = self.order_of(&event.id) else { return false };
        match event.error_code.as_deref() {
            Some("salesperson_unknown") => matches!(order, Order::Assign(..)),
            Some("refused") => {
                let sent = self.world.app.store.calls(&event.id).await.unwrap().items;
                let Some(last) = sent.iter().rfind(|call| call.interface == order.interface().1) else { return false };
                let (erp, ord) = (&self.world.sim.handle, self.world.ord_of(contact).await);
                // Who was added since the beginning is somebody's.
                let hands = self.begun.get(&ord).copied().unwrap_or(Hands::Sales);
                let is_hidden = erp.settings().ignores_stype;
                order.is_rightly_refused(ord, &last.started_at.rfc3339(), &erp.calls(0), hands, is_hidden)
            }
            _ => false,
        }
    }

    /// Whether a customer is where an order should have brought it, as a decision.
    async fn was_carried_out(&self, event: &str, contact: &str) -> Value {
        let ord = self.world.ord_of(contact).await;
        let (_, order) = self.order_of(event).unwrap();
        json!({ "decision": if order.stands(&self.world.sim.handle, ord) { "done" } else { "resend" } })
    }

    /// Whether the record is there that an event asks for, as a decision; `None` where it asks no more.
    async fn is_there(&self, event: &str, contact: &str) -> Option<Value> {
        let steps = self.world.app.store.steps(event).await.unwrap();
        let step = steps.into_iter().find(|step| step.state == StepState::Started)?;
        let link = self.world.link_of(contact).await;
        let record = self.installation.stored(step.step["text"].as_str().unwrap());
        let is_there = self.world.sim.handle.progress_of(link.ord).contains(&record);
        Some(json!({ "decision": if is_there { "done" } else { "resend" } }))
    }

    /// The last order that the ERP took stands, where it could be asked whether it did what it said.
    pub(super) async fn check_orders(&self) {
        for (contact, orders) in &self.orders {
            for (event, order) in orders.iter().rev() {
                if self.world.event(event).await.status != Status::Succeeded {
                    continue;
                }
                let steps = self.world.app.store.steps(event).await.unwrap();
                let mut results = steps.iter().filter_map(|step| step.result.as_ref());
                if !results.any(|result| !result["unverified"].is_null()) {
                    let link = self.world.link_of(contact).await;
                    let customer = self.world.sim.handle.customer(link.ord).unwrap();
                    assert!(order.stands(&self.world.sim.handle, link.ord), "{contact} {order:?} {customer:?}");
                }
                break;
            }
        }
    }
}
