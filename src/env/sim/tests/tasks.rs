use super::*;
use crate::env::sync::Mutex;
use crate::env::{Clock, Lane, Tasks};
use std::time::Duration;

type Log = Arc<Mutex<Vec<u32>>>;

fn note(log: &Log, number: u32) -> Box<dyn FnOnce() + Send> {
    let log = Arc::clone(log);
    Box::new(move || log.lock().push(number))
}

#[test]
fn inline_a_job_runs_at_once_and_its_own_jobs_after_it() {
    let tasks = Arc::new(SimTasks::new(TaskMode::Inline, 1));
    let log = Log::default();
    let (inner, outer) = (note(&log, 2), note(&log, 1));
    let again = Arc::clone(&tasks);
    let job = Box::new(move || {
        again.run(Lane::Index, Duration::ZERO, inner);
        outer();
    });
    tasks.run(Lane::Flush, Duration::ZERO, job);
    assert_eq!(*log.lock(), [1, 2]);
}

#[test]
fn inline_a_delayed_job_waits_for_its_time() {
    let tasks = SimTasks::new(TaskMode::Inline, 1);
    let log = Log::default();
    tasks.run(Lane::Flush, Duration::from_secs(2), note(&log, 2));
    tasks.run(Lane::Flush, Duration::from_secs(1), note(&log, 1));
    tasks.run(Lane::Flush, Duration::from_secs(9), note(&log, 9));
    assert_eq!(tasks.waiting(), 3);
    tasks.advance(Duration::from_secs(1));
    assert_eq!(*log.lock(), [1]);
    tasks.advance(Duration::from_secs(1));
    assert_eq!(*log.lock(), [1, 2]);
    tasks.stop();
    tasks.run(Lane::Flush, Duration::ZERO, note(&log, 10));
    assert_eq!((log.lock().len(), tasks.waiting()), (2, 0));
}

#[test]
fn stepped_jobs_wait_and_keep_the_order_of_their_lane() {
    let orders: BTreeSet<Vec<u32>> = (0..40).map(stepped_order).collect();
    assert!(orders.len() > 5, "the seed decides among lanes: {orders:?}");
    assert_eq!(stepped_order(3), stepped_order(3));
    for order in orders {
        let at = |number| order.iter().position(|one| *one == number).unwrap();
        assert!(at(1) < at(2) && at(2) < at(3), "{order:?}");
        assert!(at(11) < at(12), "{order:?}");
        assert_eq!(order[5], 4, "what is late comes last: {order:?}");
    }
}

fn stepped_order(seed: u64) -> Vec<u32> {
    let tasks = SimTasks::new(TaskMode::Stepped, seed);
    let log = Log::default();
    tasks.run(Lane::Prepare, Duration::from_secs(1), note(&log, 4));
    for number in [1, 2, 3] {
        tasks.run(Lane::Flush, Duration::ZERO, note(&log, number));
    }
    for number in [11, 12] {
        tasks.run(Lane::Index, Duration::ZERO, note(&log, number));
    }
    assert!(log.lock().is_empty());
    assert_eq!(tasks.run_due(100), 5);
    assert_eq!(tasks.run_all(100), 1);
    assert!(!tasks.step());
    log.lock().clone()
}

#[test]
fn stopping_runs_what_is_due_and_killing_runs_nothing() {
    for (kill, expected) in [(false, vec![1]), (true, vec![])] {
        let tasks = SimTasks::new(TaskMode::Stepped, 1);
        let log = Log::default();
        tasks.run(Lane::Flush, Duration::ZERO, note(&log, 1));
        tasks.run(Lane::Flush, Duration::from_secs(1), note(&log, 2));
        if kill {
            tasks.kill();
        } else {
            tasks.stop();
        }
        assert_eq!(*log.lock(), expected);
        assert_eq!(tasks.waiting(), 0);
    }
}

#[test]
fn a_job_may_stop_the_tasks_that_run_it() {
    let tasks = Arc::new(SimTasks::new(TaskMode::Inline, 1));
    let again = Arc::clone(&tasks);
    tasks.run(Lane::Flush, Duration::ZERO, Box::new(move || again.stop()));
    tasks.stop();
}

#[test]
fn a_world_is_the_same_for_the_same_seed() {
    let (one, two) = (SimWorld::new(1), SimWorld::new(1));
    assert_eq!(one.env().random.bytes(), two.env().random.bytes());
    assert_ne!(
        one.env().random.bytes(),
        SimWorld::new(2).env().random.bytes()
    );
    let before = one.env().clock.now();
    one.advance(Duration::from_secs(60));
    let passed = one.clock.now().seconds() - before.seconds();
    assert_eq!(passed, 60);
}
