//! Whether the server takes newcomers, as load balancers and graphs are told.

use serde::Serialize;

use crate::media::{LIMITS, Limit, WorkerReport};

/// Whether newcomers are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AdmissionState {
    /// They are.
    Open,
    /// A limit is reached.
    Full,
    /// Only into rooms with people in them: the server is about to stop.
    Draining,
}

/// The server's admission, and each worker's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Admission {
    pub(crate) state: AdmissionState,
    /// The limit that is reached: `participants`, or what the first worker has too much of.
    limit: Option<&'static str>,
    workers: Vec<Worker>,
    #[serde(skip)]
    reports: Vec<WorkerReport>,
}

/// One metric: name, help, kind, and its samples by their labels.
type Metric = (&'static str, &'static str, &'static str, Vec<(String, u64)>);

/// One media worker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Worker {
    state: AdmissionState,
    limit: Option<&'static str>,
    /// Load in percent of each limit; `None` where there is no limit.
    tracks_percent: Option<u64>,
    packets_percent: Option<u64>,
    mbit_percent: Option<u64>,
}

impl Admission {
    /// `takes_people` is false when as many are here as may be.
    pub(crate) fn new(is_draining: bool, takes_people: bool, reports: Vec<WorkerReport>) -> Self {
        let is_full = !reports.is_empty() && reports.iter().all(|worker| worker.full.is_some());
        let first = reports.iter().find_map(|worker| worker.full).filter(|_| is_full).map(Limit::name);
        let limit = if takes_people { first } else { Some("participants") };
        let state = match limit {
            _ if is_draining => AdmissionState::Draining,
            Some(_) => AdmissionState::Full,
            None => AdmissionState::Open,
        };
        Self { state, limit, workers: reports.iter().map(Worker::of).collect(), reports }
    }

    /// For the exposition.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        let open = u64::from(self.state == AdmissionState::Open);
        let draining = u64::from(self.state == AdmissionState::Draining);
        let one = |value| vec![(String::new(), value)];
        let (mut full, mut percents, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (number, report) in self.reports.iter().enumerate() {
            full.push((format!("{{worker=\"{number}\"}}"), u64::from(report.full.is_some())));
            for (place, limit) in LIMITS.into_iter().enumerate() {
                let labels = format!("{{worker=\"{number}\",limit=\"{}\"}}", limit.name());
                percents.extend(report.percents[place].map(|percent| (labels.clone(), percent)));
                refused.push((labels, report.refused[place]));
            }
        }
        vec![
            ("confab_admission_open", "1 while newcomers are taken.", "gauge", one(open)),
            ("confab_draining", "1 while no more rooms are opened.", "gauge", one(draining)),
            ("confab_worker_full", "1 while a media worker takes nobody else.", "gauge", full),
            ("confab_worker_load_percent", "Load of a media worker in percent of its limit.", "gauge", percents),
            ("confab_worker_refused_total", "Newcomers refused by a media worker at its limit.", "counter", refused),
        ]
    }
}

impl Worker {
    fn of(report: &WorkerReport) -> Self {
        let [tracks_percent, packets_percent, mbit_percent] = report.percents;
        let state = if report.full.is_some() { AdmissionState::Full } else { AdmissionState::Open };
        Self { state, limit: report.full.map(Limit::name), tracks_percent, packets_percent, mbit_percent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Load;

    fn worker(full: Option<Limit>) -> WorkerReport {
        WorkerReport { load: Load::default(), percents: [Some(12), None, Some(101)], full, refused: [0, 0, 7] }
    }

    #[test]
    fn a_server_is_full_when_no_worker_takes_anybody() {
        let json = |admission: Admission| serde_json::to_value(admission).unwrap();
        let half = json(Admission::new(false, true, vec![worker(Some(Limit::Mbit)), worker(None)]));
        assert_eq!((half["state"].as_str(), half["limit"].as_str()), (Some("open"), None));
        assert_eq!(
            (half["workers"][0]["state"].as_str(), &half["workers"][0]["limit"]),
            (Some("full"), &"mbit".into())
        );
        assert_eq!(half["workers"][0]["tracks_percent"], 12);
        assert!(half["workers"][0]["packets_percent"].is_null());
        let full = json(Admission::new(false, true, vec![worker(Some(Limit::Mbit)), worker(Some(Limit::Tracks))]));
        assert_eq!((full["state"].as_str(), full["limit"].as_str()), (Some("full"), Some("mbit")));
        let people = json(Admission::new(false, false, vec![worker(None)]));
        assert_eq!((people["state"].as_str(), people["limit"].as_str()), (Some("full"), Some("participants")));
        let draining = json(Admission::new(true, true, vec![worker(None)]));
        assert_eq!(draining["state"], "draining");
    }

    #[test]
    fn a_limit_that_there_is_not_has_no_percentage() {
        let metrics = Admission::new(false, true, vec![worker(None)]).metrics();
        let of = |name: &str| metrics.iter().find(|metric| metric.0 == name).map(|metric| metric.3.clone()).unwrap();
        let percents = of("confab_worker_load_percent");
        assert_eq!(percents.len(), 2, "{percents:?}");
        assert_eq!(percents[1], ("{worker=\"0\",limit=\"mbit\"}".to_owned(), 101));
        assert_eq!(of("confab_worker_refused_total")[2].1, 7);
        assert_eq!((of("confab_admission_open")[0].1, of("confab_draining")[0].1), (1, 0));
    }
}
