//! The core's rules, each as given, when, then; and a seeded storm of inputs against the promises.

use std::time::{Duration, Instant};

use super::core::{Core, Phase, Policy};
use super::input::{Effect, Input, Outcome, Reply};
use crate::config::Retries;
use crate::error::{Error, Kind};
use crate::ledger::Ticket;
use crate::lsn::{CommitLsn, EndLsn, Lsn, Position};
use crate::sink::Deliveries;

const SECOND: Duration = Duration::from_secs(1);

struct Rig {
    core: Core,
    now: Instant,
}

impl Rig {
    fn new() -> Self {
        Self::with_retries(None)
    }

    fn with_retries(max: Option<u32>) -> Self {
        let retries = Retries { max, delay_min: Duration::from_millis(100), delay_max: SECOND };
        let now = Instant::now();
        Self { core: Core::new(Policy { status_interval: 10 * SECOND, retries, seed: 1 }, now), now }
    }

    fn streaming(confirmed_flush: u64) -> Self {
        let mut rig = Self::new();
        rig.apply(Input::Connected { confirmed_flush: Lsn::new(confirmed_flush), answer_within: None });
        rig
    }

    fn apply(&mut self, input: Input<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.core.apply(input, self.now, &mut effects);
        effects
    }

    fn unit(&mut self, records: u64, end: u64) -> Ticket {
        assert!(self.apply(Input::UnitOpened).is_empty());
        let ticket = self.core.open_ticket().unwrap();
        self.apply(Input::UnitSealed { records, end: Some(EndLsn::new(Lsn::new(end))), position: position(end) });
        ticket
    }

    fn delivered(&mut self, ticket: Ticket, records: u64) -> Vec<Effect> {
        self.apply(Input::Delivered(&Deliveries { runs: vec![(ticket, records)] }))
    }

    fn keepalive(&mut self, end: u64, reply: Reply) -> Vec<Effect> {
        self.apply(Input::Keepalive { end: EndLsn::new(Lsn::new(end)), reply })
    }
}

fn position(commit: u64) -> Position {
    Position { commit: CommitLsn::new(Lsn::new(commit)), ordinal: u64::MAX }
}

fn flushes(effects: &[Effect]) -> Vec<u64> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Status { flush, .. } => Some(flush.lsn().as_u64()),
            _ => None,
        })
        .collect()
}

fn failure(effects: &[Effect]) -> Option<Kind> {
    effects.iter().find_map(|effect| match effect {
        Effect::Finish(Outcome::Failed(error)) => Some(error.kind()),
        _ => None,
    })
}

#[test]
fn a_pause_is_reached_behind_the_open_transaction_when_all_is_delivered_and_ends_with_the_session() {
    let mut rig = Rig::streaming(10);
    rig.apply(Input::UnitOpened);
    let ticket = rig.core.open_ticket().unwrap();
    rig.apply(Input::Pause);
    assert!(rig.core.reading() && !rig.core.is_paused(), "the transaction is read to its end");
    rig.apply(Input::UnitSealed { records: 1, end: Some(EndLsn::new(Lsn::new(20))), position: position(20) });
    assert!(!rig.core.reading() && !rig.core.is_paused(), "the brokers do not hold it");
    rig.delivered(ticket, 1);
    assert!(rig.core.is_paused());
    let effects = rig.apply(Input::SessionLeft);
    assert!(matches!(effects[..], [Effect::CloseSource, Effect::Connect { after: Duration::ZERO }]), "{effects:?}");
    rig.apply(Input::Connected { confirmed_flush: Lsn::new(20), answer_within: None });
    assert!(rig.core.reading() && !rig.core.is_paused());
}

fn cut() -> Error {
    Error::new(Kind::Connection, "cut")
}

#[test]
fn the_first_status_reports_the_slots_own_position() {
    let mut rig = Rig::new();
    let effects = rig.apply(Input::Connected { confirmed_flush: Lsn::new(100), answer_within: None });
    assert_eq!(flushes(&effects), [100]);
}

#[test]
fn a_keepalive_that_asks_is_answered_at_once_with_what_is_delivered() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(1, 200);
    assert_eq!(flushes(&rig.keepalive(500, Reply::Requested)), [100], "undelivered: nothing moves");
    rig.apply(Input::SinkFull);
    assert_eq!(flushes(&rig.keepalive(500, Reply::Requested)), [100], "a full sink does not silence us");
    rig.delivered(unit, 1);
    assert_eq!(flushes(&rig.keepalive(500, Reply::Requested)), [500], "idle: the keepalive itself is confirmed");
}

#[test]
fn a_rise_is_told_within_a_second_without_being_asked() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(1, 200);
    assert!(flushes(&rig.delivered(unit, 1)).is_empty(), "at most one unasked status a second");
    rig.now = rig.core.next_tick();
    assert_eq!(flushes(&rig.apply(Input::Tick)), [200]);
    assert!(rig.core.next_tick() > rig.now + 5 * SECOND, "and then the interval again");
}

#[test]
fn a_lost_source_keeps_what_the_sink_holds_and_skips_what_was_appended() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(1, 200);
    let effects = rig.apply(Input::SourceLost(cut()));
    assert!(matches!(effects[..], [Effect::CloseSource, Effect::Connect { .. }]), "{effects:?}");
    assert_eq!(rig.core.resume_after(), Some(position(200)));
    rig.delivered(unit, 1);
    assert_eq!(flushes(&rig.apply(Input::Connected { confirmed_flush: Lsn::new(100), answer_within: None })), [200]);
}

#[test]
fn a_message_outside_transactions_is_confirmed_after_everything_before_it() {
    // Given a transaction that is not delivered, and a message outside transactions behind it
    let mut rig = Rig::streaming(100);
    let transaction = rig.unit(2, 200);
    let message = rig.unit(1, 240);
    // When the message is delivered first
    rig.now += 2 * SECOND;
    let effects = rig.delivered(message, 1);
    // Then nothing moves until the transaction is, too
    assert!(flushes(&effects).is_empty(), "{effects:?}");
    assert_eq!(flushes(&rig.keepalive(300, Reply::Requested)), [100]);
    rig.delivered(transaction, 2);
    assert_eq!(flushes(&rig.keepalive(300, Reply::Requested)), [300]);
}

#[test]
fn a_message_that_is_left_out_moves_the_confirmed_position() {
    let mut rig = Rig::streaming(100);
    rig.unit(0, 240);
    assert_eq!(rig.core.confirmed().map(|confirmed| confirmed.lsn()), Some(Lsn::new(240)));
}

#[test]
fn a_mark_confirms_nothing_and_lets_a_keepalive_behind_it_count() {
    // Given a transaction that is not delivered and a heartbeat behind it
    let mut rig = Rig::streaming(100);
    let transaction = rig.unit(1, 200);
    rig.apply(Input::UnitOpened);
    let mark = rig.core.open_ticket().unwrap();
    rig.apply(Input::MarkSealed { records: 1 });
    // When the heartbeat is delivered, then nothing is confirmed
    rig.delivered(mark, 1);
    assert_eq!(flushes(&rig.keepalive(500, Reply::Requested)), [100]);
    // When the transaction is, then the keepalive behind both is
    rig.delivered(transaction, 1);
    assert_eq!(flushes(&rig.keepalive(500, Reply::Requested)), [500]);
    assert_eq!(rig.core.resume_after(), Some(position(200)), "a mark is no position");
}

#[test]
fn a_mark_does_not_make_a_cut_transaction_whole() {
    let mut rig = Rig::streaming(100);
    rig.apply(Input::UnitOpened);
    let ticket = rig.core.open_ticket().unwrap();
    rig.apply(Input::UnitSealed { records: 1, end: None, position: Position { ordinal: 1, ..position(200) } });
    rig.delivered(ticket, 1);
    rig.apply(Input::UnitOpened);
    let mark = rig.core.open_ticket().unwrap();
    rig.apply(Input::MarkSealed { records: 1 });
    rig.delivered(mark, 1);
    assert!(!rig.core.is_complete());
    assert_eq!(rig.core.confirmed().map(|confirmed| confirmed.lsn()), Some(Lsn::new(100)));
}

#[test]
fn a_lost_sink_forgets_what_it_held_and_starts_from_the_confirmed_position() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(1, 200);
    let effects = rig.apply(Input::SinkLost(Error::new(Kind::SinkUnavailable, "gone")));
    assert!(matches!(effects[..], [Effect::CloseSource, Effect::ReplaceSink, Effect::Connect { .. }]), "{effects:?}");
    assert_eq!(rig.core.resume_after(), None, "everything after the confirmed position is appended again");
    rig.delivered(unit, 1);
    assert_eq!(flushes(&rig.apply(Input::Connected { confirmed_flush: Lsn::new(100), answer_within: None })), [100]);
}

#[test]
fn a_slot_beyond_our_position_is_a_gap_and_one_behind_it_is_not() {
    let mut rig = Rig::streaming(100);
    rig.apply(Input::SourceLost(cut()));
    assert_eq!(
        flushes(&rig.apply(Input::Connected { confirmed_flush: Lsn::new(90), answer_within: None })),
        [100],
        "it stepped back in a crash"
    );
    rig.apply(Input::SourceLost(cut()));
    assert_eq!(
        failure(&rig.apply(Input::Connected { confirmed_flush: Lsn::new(101), answer_within: None })),
        Some(Kind::SlotMoved)
    );
    assert!(rig.keepalive(500, Reply::Requested).is_empty(), "nothing is emitted after the end");
}

#[test]
fn definite_errors_end_and_transient_ones_are_retried_up_to_the_limit() {
    let mut rig = Rig::with_retries(Some(2));
    for _ in 0..2 {
        let effects = rig.apply(Input::SourceLost(cut()));
        assert!(matches!(effects.last(), Some(Effect::Connect { .. })), "{effects:?}");
    }
    assert_eq!(failure(&rig.apply(Input::SourceLost(cut()))), Some(Kind::RetriesExhausted));
    let mut rig = Rig::streaming(1);
    let effects = rig.apply(Input::SourceLost(Error::new(Kind::SlotLost, "gone")));
    assert_eq!(failure(&effects), Some(Kind::SlotLost));
}

#[test]
fn a_stop_waits_for_deliveries_confirms_them_and_ends_the_copy() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(2, 200);
    assert!(rig.apply(Input::Stop { patience: 30 * SECOND }).is_empty());
    assert!(!rig.core.reading());
    rig.delivered(unit, 1);
    let effects = rig.delivered(unit, 1);
    assert_eq!(flushes(&effects), [200]);
    assert!(matches!(effects.last(), Some(Effect::EndCopy)), "{effects:?}");
    let effects = rig.apply(Input::CopyEnded);
    assert!(matches!(effects[..], [Effect::Finish(Outcome::Stopped)]), "{effects:?}");
}

#[test]
fn a_stop_lets_an_open_transaction_come_to_its_end() {
    let mut rig = Rig::streaming(100);
    rig.apply(Input::UnitOpened);
    assert!(rig.apply(Input::Stop { patience: 30 * SECOND }).is_empty());
    assert!(rig.core.reading(), "the rest of the transaction is read");
    let end = Some(EndLsn::new(Lsn::new(200)));
    let effects = rig.apply(Input::UnitSealed { records: 0, end, position: position(200) });
    assert_eq!(flushes(&effects), [200]);
}

#[test]
fn a_stop_whose_time_is_over_says_what_is_unfinished() {
    let mut rig = Rig::streaming(100);
    rig.unit(1, 200);
    rig.apply(Input::Stop { patience: 30 * SECOND });
    rig.now += 30 * SECOND;
    assert!(rig.core.next_tick() <= rig.now);
    assert_eq!(failure(&rig.apply(Input::Tick)), Some(Kind::ShutdownTimeout));
}

#[test]
fn a_silent_server_is_probed_and_then_given_up_even_inside_a_unit() {
    let mut rig = Rig::streaming(100);
    rig.apply(Input::UnitOpened);
    let mut probes = 0;
    for _ in 0..100 {
        rig.now += SECOND;
        let effects = rig.apply(Input::Tick);
        probes +=
            effects.iter().filter(|effect| matches!(effect, Effect::Status { reply: Reply::Requested, .. })).count();
        if let Some(Effect::LoseSource(error)) = effects.last() {
            assert_eq!(error.kind(), Kind::Connection);
            assert!(probes >= 2, "{probes}");
            return;
        }
    }
    panic!("a server that never answers was trusted for ever");
}

#[test]
fn a_server_that_gives_up_silent_readers_soon_is_told_more_often() {
    let mut rig = Rig::new();
    let connected = Input::Connected { confirmed_flush: Lsn::new(100), answer_within: Some(2 * SECOND) };
    rig.apply(connected);
    rig.apply(Input::SinkFull);
    let mut statuses = 0;
    for _ in 0..20 {
        rig.now += Duration::from_millis(100);
        statuses += flushes(&rig.apply(Input::Tick)).len();
    }
    assert!(statuses >= 2, "{statuses} in two seconds, while nothing is read");
}

#[test]
fn nothing_is_due_at_once_while_there_is_no_session() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(1, 200);
    rig.apply(Input::SourceLost(cut()));
    rig.delivered(unit, 1);
    for _ in 0..3 {
        rig.now += 60 * SECOND;
        rig.apply(Input::Tick);
        assert!(rig.core.next_tick() > rig.now, "a tick that is always due is a busy loop");
    }
}

#[test]
fn nothing_is_due_at_once_while_a_stop_waits_for_deliveries_and_progress_is_told() {
    let mut rig = Rig::streaming(100);
    let (first, _second) = (rig.unit(1, 200), rig.unit(1, 300));
    rig.apply(Input::Stop { patience: 30 * SECOND });
    rig.delivered(first, 1);
    rig.now += 2 * SECOND;
    assert_eq!(flushes(&rig.apply(Input::Tick)), [200]);
    assert!(rig.core.next_tick() > rig.now, "a tick that is always due is a busy loop");
}

#[test]
fn only_whole_transactions_that_are_delivered_are_complete() {
    let mut rig = Rig::new();
    assert!(!rig.core.is_complete(), "nothing is known of a slot that was never read");
    rig.apply(Input::Connected { confirmed_flush: Lsn::new(100), answer_within: None });
    assert!(rig.core.is_complete());
    let unit = rig.unit(1, 200);
    assert!(!rig.core.is_complete(), "a record is outstanding");
    rig.delivered(unit, 1);
    assert!(rig.core.is_complete());
    rig.apply(Input::UnitOpened);
    assert!(!rig.core.is_complete(), "a transaction is open");
    rig.apply(Input::UnitSealed { records: 0, end: None, position: position(300) });
    assert!(!rig.core.is_complete(), "a transaction was cut off");
}

#[test]
fn a_session_that_is_left_begins_again_at_once_and_counts_as_no_failure() {
    let retries = Retries { max: Some(0), delay_min: SECOND, delay_max: SECOND };
    let now = Instant::now();
    let mut rig = Rig { core: Core::new(Policy { status_interval: 10 * SECOND, retries, seed: 1 }, now), now };
    rig.apply(Input::Connected { confirmed_flush: Lsn::new(100), answer_within: None });
    let unit = rig.unit(1, 200);
    let effects = rig.apply(Input::SessionLeft);
    assert!(
        matches!(&effects[..], [Effect::CloseSource, Effect::Connect { after: Duration::ZERO }]),
        "not one retry is allowed, and none is used: {effects:?}"
    );
    assert_eq!((rig.core.phase(), rig.core.resume_after()), (Phase::Connecting, Some(position(200))));
    rig.delivered(unit, 1);
    let effects = rig.apply(Input::Connected { confirmed_flush: Lsn::new(100), answer_within: None });
    assert_eq!(flushes(&effects), [200], "what the sink held still counts");
}

#[test]
fn a_session_that_is_left_during_a_stop_is_the_last() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(1, 200);
    rig.apply(Input::Stop { patience: 10 * SECOND });
    assert!(matches!(&rig.apply(Input::SessionLeft)[..], [Effect::CloseSource]));
    let effects = rig.delivered(unit, 1);
    assert!(matches!(&effects[..], [Effect::Status { .. }, Effect::EndCopy]), "{effects:?}");
}

#[test]
fn a_stop_survives_the_loss_of_the_source() {
    let mut rig = Rig::streaming(100);
    let unit = rig.unit(1, 200);
    rig.apply(Input::Stop { patience: 30 * SECOND });
    let effects = rig.apply(Input::SourceLost(cut()));
    assert!(matches!(effects[..], [Effect::CloseSource]), "no new session is wanted: {effects:?}");
    assert!(matches!(rig.delivered(unit, 1).last(), Some(Effect::EndCopy)), "what the sink held was waited for");
}

#[test]
fn a_stop_inside_a_transaction_looks_at_the_clock_once_when_its_time_is_over() {
    let mut rig = Rig::streaming(100);
    rig.unit(1, 200);
    rig.apply(Input::UnitOpened);
    rig.apply(Input::Stop { patience: 30 * SECOND });
    rig.now += 15 * SECOND;
    assert!(rig.core.next_tick() <= rig.now);
    rig.apply(Input::Tick);
    assert!(rig.core.next_tick() > rig.now, "a tick that is always due is a busy loop");
}

/// A storm: whatever happens in whatever order, no status confirms what was not delivered, none goes back.
#[test]
fn no_storm_of_inputs_confirms_too_much() {
    for seed in 0..2_000_u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rig = Rig::streaming(0);
        // (ticket, records left with the sink, end): the truth, kept apart from the ledger.
        let mut truth: Vec<(Ticket, u64, u64)> = Vec::new();
        let (mut wal, mut told, mut streaming) = (0_u64, 0_u64, true);
        for _ in 0..200 {
            wal += 10;
            rig.now += Duration::from_millis(random.u64(0..3_000));
            let effects = match random.u8(0..12) {
                0..=3 if streaming => {
                    let records = random.u64(0..3);
                    let ticket = rig.unit(records, wal);
                    truth.push((ticket, records, wal));
                    Vec::new()
                }
                4..=6 if !truth.is_empty() => {
                    let unit = random.usize(0..truth.len());
                    if truth[unit].1 == 0 {
                        continue;
                    }
                    truth[unit].1 -= 1;
                    rig.delivered(truth[unit].0, 1)
                }
                7 if streaming => rig.keepalive(wal, Reply::Requested),
                8 if streaming => rig.apply(Input::Tick),
                9 if streaming => {
                    streaming = false;
                    rig.apply(if random.bool() { Input::SourceLost(cut()) } else { Input::SessionLeft })
                }
                10 => {
                    truth.clear();
                    streaming = false;
                    rig.apply(Input::SinkLost(Error::new(Kind::SinkUnavailable, "gone")))
                }
                11 if !streaming => {
                    streaming = true;
                    rig.apply(Input::Connected { confirmed_flush: Lsn::new(told), answer_within: None })
                }
                _ => continue,
            };
            streaming &= rig.core.phase() == Phase::Streaming;
            let limit = truth.iter().filter(|unit| unit.1 > 0).map(|unit| unit.2 - 1).min().unwrap_or(u64::MAX);
            for flush in flushes(&effects) {
                assert!(flush <= limit, "seed {seed}: {flush} was confirmed with {limit} outstanding");
                assert!(flush >= told, "seed {seed}: {flush} after {told}");
                told = flush;
            }
            assert_eq!(failure(&effects), None, "seed {seed}");
        }
    }
}
