//! Course enrolment: a course has so many seats, a student takes so many
//! courses. The rule reaches over both, and sixteen threads enrol at once.
//!
//! Run it with `cargo run --example enrolment`.
#![allow(clippy::print_stdout)]

use annals::decision::{Decisions, DomainEvent, Fold};
use annals::{CommandError, EventStore, MemoryStore, Query, QueryItem, Schema};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

const MOST_COURSES: usize = 3;
const THREADS: u32 = 16;

#[derive(Debug, Serialize, Deserialize)]
enum Campus {
    Offered { course: u32, seats: usize },
    Enrolled { course: u32, student: u32 },
    Left { course: u32, student: u32 },
}
use Campus::{Enrolled, Left, Offered};

impl DomainEvent for Campus {
    fn stream(&self) -> String {
        let (Offered { course, .. } | Enrolled { course, .. } | Left { course, .. }) = self;
        format!("courses/{course}")
    }

    fn tags(&self) -> Vec<String> {
        match self {
            Offered { course, .. } => vec![format!("course:{course}")],
            Enrolled { course, student } | Left { course, student } => {
                vec![format!("course:{course}"), format!("student:{student}")]
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    NoSuchCourse,
    CourseFull,
    TooManyCourses,
    EnrolledAlready,
    NotEnrolled,
}

/// How many seats a course has, if it is offered.
fn seats(course: u32) -> Fold<Campus, Option<usize>> {
    let offered = QueryItem::all().with_type("Offered");
    let item = offered.with_tag(format!("course:{course}"));
    Fold::new(item, None, |seats, event| {
        if let Offered { seats: now, .. } = event {
            *seats = Some(*now);
        }
    })
}

/// Who is enrolled in a course, or in which courses a student is.
fn enrolments(tag: String) -> Fold<Campus, BTreeSet<(u32, u32)>> {
    let moves = QueryItem::all().with_type("Enrolled").with_type("Left");
    Fold::new(moves.with_tag(tag), BTreeSet::new(), |own, event| {
        match event {
            Enrolled { course, student } => own.insert((*course, *student)),
            Left { course, student } => own.remove(&(*course, *student)),
            Offered { .. } => false,
        };
    })
}

fn of_course(course: u32) -> Fold<Campus, BTreeSet<(u32, u32)>> {
    enrolments(format!("course:{course}"))
}

fn of_student(student: u32) -> Fold<Campus, BTreeSet<(u32, u32)>> {
    enrolments(format!("student:{student}"))
}

fn enrol(
    campus: &Decisions<Campus>,
    course: u32,
    student: u32,
) -> Result<(), CommandError<Refusal>> {
    let facts = (seats(course), of_course(course), of_student(student));
    campus.decide(facts, |(seats, in_course, of_student)| {
        match seats {
            None => return Err(Refusal::NoSuchCourse),
            Some(_) if of_student.contains(&(course, student)) => {
                return Err(Refusal::EnrolledAlready);
            }
            Some(seats) if in_course.len() >= *seats => return Err(Refusal::CourseFull),
            Some(_) if of_student.len() >= MOST_COURSES => return Err(Refusal::TooManyCourses),
            Some(_) => {}
        }
        Ok([Enrolled { course, student }])
    })?;
    Ok(())
}

fn leave(
    campus: &Decisions<Campus>,
    course: u32,
    student: u32,
) -> Result<(), CommandError<Refusal>> {
    campus.decide(of_student(student), |courses| {
        match courses.contains(&(course, student)) {
            true => Ok([Left { course, student }]),
            false => Err(Refusal::NotEnrolled),
        }
    })?;
    Ok(())
}

/// Sixteen threads enrol and leave at once; returns how often they came to it.
pub(crate) fn round(store: &Arc<dyn EventStore>, courses: u32, tries: u32) -> annals::Result<u32> {
    let campus = Decisions::<Campus>::new(Arc::clone(store));
    for course in 0..courses {
        let seats = 2 + course as usize % 3;
        let offer = campus.decide((), |()| Ok::<_, Refusal>([Offered { course, seats }]));
        offer.map_err(store_error)?;
    }
    let thread = |thread: u32| {
        let mut done = 0;
        for step in 0..tries {
            let (course, student) = ((thread + step) % courses, (thread + step / 3) % 8);
            let outcome = match step % 5 {
                4 => leave(&campus, course, student),
                _ => enrol(&campus, course, student),
            };
            match outcome {
                Ok(()) => done += 1,
                Err(CommandError::Refused(_)) => {}
                Err(CommandError::Failed(error)) => return Err(error),
            }
        }
        Ok(done)
    };
    let done: Vec<annals::Result<u32>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(move || thread(number)))
            .collect();
        let ended = running.into_iter().filter_map(|own| own.join().ok());
        ended.collect()
    });
    assert_eq!(done.len(), THREADS as usize);
    done.into_iter().sum()
}

/// Replays the whole log by hand: no limit was ever broken, at no position.
pub(crate) fn check(store: &dyn EventStore) -> annals::Result<u32> {
    let (mut seats, mut enrolled, mut moves) = (BTreeMap::new(), BTreeSet::new(), 0);
    for event in Schema::<Campus>::new().read(store, &Query::all()) {
        match event?.event {
            Offered { course, seats: now } => {
                seats.insert(course, now);
                continue;
            }
            Enrolled { course, student } => assert!(enrolled.insert((course, student))),
            Left { course, student } => assert!(enrolled.remove(&(course, student))),
        }
        moves += 1;
        for (course, seats) in &seats {
            let taken = enrolled.iter().filter(|(own, _)| own == course).count();
            assert!(taken <= *seats, "course {course} is overbooked");
        }
        for (_, student) in &enrolled {
            let courses = enrolled.iter().filter(|(_, own)| own == student).count();
            assert!(courses <= MOST_COURSES, "student {student} has too many");
        }
    }
    Ok(moves)
}

fn store_error(error: CommandError<Refusal>) -> annals::Error {
    match error {
        CommandError::Failed(error) => error,
        CommandError::Refused(refused) => unreachable!("an offer is never {refused:?}"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let log = Arc::new(annals::temporary()?);
    let stores: [Arc<dyn EventStore>; 2] = [log, Arc::new(MemoryStore::new())];
    stores.iter().try_for_each(run)
}

fn run(store: &Arc<dyn EventStore>) -> Result<(), Box<dyn Error>> {
    let done = round(store, 6, 20)?;
    assert_eq!(check(&**store)?, done);
    println!("{done} enrolments and departures, no limit broken");
    Ok(())
}
