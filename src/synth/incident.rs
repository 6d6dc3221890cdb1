//! What can be planted: the kinds of incident, and the records each consists of.

use super::event::{Event, NOBODY};
use super::random::Random;
use super::roster::Roster;
use super::staff::{Person, Population, Staff};
use super::vocabulary::{IT_DEPARTMENT, Operation};

/// A kind of incident. Each is what one rule of the default policy looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ① Look-ups on a weekday night.
    Night,
    /// ① Look-ups on a closed day.
    Holiday,
    /// ① A sign-in at night, and nothing looked up.
    NightLogin,
    /// ① Work at four in the morning.
    SmallHours,
    /// ② A terminal never used before.
    NewTerminal,
    /// ② One terminal after another.
    Hopping,
    /// ③ Refused again and again.
    DeniedBurst,
    /// ③ An export that was refused.
    DeniedExport,
    /// ④ The screen captured.
    ScreenCapture,
    /// ④ An operation never done before.
    UnusualOperation,
    /// ④ Exports or prints by the dozen.
    BulkExport,
    /// ⑤ The same person again and again.
    RepeatSubject,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Kind; 12] = [
        Kind::Night,
        Kind::NewTerminal,
        Kind::DeniedBurst,
        Kind::ScreenCapture,
        Kind::RepeatSubject,
        Kind::Holiday,
        Kind::Hopping,
        Kind::DeniedExport,
        Kind::UnusualOperation,
        Kind::SmallHours,
        Kind::BulkExport,
        Kind::NightLogin,
    ];

    /// The rule of the default policy that must catch it.
    pub(super) const fn rule(self) -> &'static str {
        match self {
            Kind::Night | Kind::Holiday => "off-hours-access",
            Kind::NightLogin => "off-hours-login",
            Kind::SmallHours => "unusual-hours",
            Kind::NewTerminal => "new-terminal",
            Kind::Hopping => "terminal-hopping",
            Kind::DeniedBurst => "denied-burst",
            Kind::DeniedExport => "denied-sensitive",
            Kind::ScreenCapture => "screen-capture",
            Kind::UnusualOperation => "unusual-operation",
            Kind::BulkExport => "bulk-export",
            Kind::RepeatSubject => "repeat-subject",
        }
    }

    /// The Commission's viewpoint, 1 to 5.
    pub(super) const fn viewpoint(self) -> u8 {
        match self {
            Kind::Night | Kind::Holiday | Kind::NightLogin | Kind::SmallHours => 1,
            Kind::NewTerminal | Kind::Hopping => 2,
            Kind::DeniedBurst | Kind::DeniedExport => 3,
            Kind::ScreenCapture | Kind::UnusualOperation | Kind::BulkExport => 4,
            Kind::RepeatSubject => 5,
        }
    }

    /// Whether its rule needs ten active days before.
    pub(super) const fn needs_history(self) -> bool {
        matches!(
            self,
            Kind::SmallHours | Kind::NewTerminal | Kind::UnusualOperation
        )
    }

    /// When it begins, in seconds of the day. The small hours are at least three hours from every
    /// other kind's, so that even one person who has them all is caught.
    const fn begins(self) -> (u32, u32) {
        match self {
            Kind::Night => (21 * 3600 + 1800, 23 * 3600 + 600),
            Kind::NightLogin => (20 * 3600 + 1800, 21 * 3600 + 1200),
            Kind::SmallHours => (2 * 3600 + 2400, 4 * 3600 + 600),
            _ => (9 * 3600, 16 * 3600),
        }
    }
}

/// A planted record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planted {
    pub(super) day: u32,
    pub(super) event: Event,
}

impl Planted {
    /// Day and second, for sorting.
    pub(super) fn moment(&self) -> (u32, u32) {
        (self.day, self.event.second)
    }
}

/// An incident.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    pub(super) kind: Kind,
    pub(super) user: u32,
    /// In words, for the truth.
    pub(super) what: String,
    /// In time order; never empty.
    pub(super) events: Vec<Planted>,
}

/// The planted events of each day.
pub(super) fn by_day(incidents: &[Incident], days: u32) -> Vec<Vec<Event>> {
    let mut by_day = vec![Vec::new(); days as usize];
    for planted in incidents.iter().flat_map(|i| &i.events) {
        by_day[planted.day as usize].push(planted.event);
    }
    by_day
}

/// Makes the records of an incident.
pub(super) struct Script<'a> {
    pub(super) roster: &'a Roster<'a>,
    pub(super) population: &'a Population,
    pub(super) user: u32,
    pub(super) day: u32,
    pub(super) random: Random,
    second: u32,
    terminal: u32,
    events: Vec<Planted>,
}

impl<'a> Script<'a> {
    pub(super) fn new(
        roster: &'a Roster<'a>,
        population: &'a Population,
        user: u32,
        day: u32,
        random: Random,
    ) -> Self {
        Script {
            roster,
            population,
            user,
            day,
            random,
            second: 0,
            terminal: user,
            events: Vec::new(),
        }
    }

    /// Plays a kind of incident.
    pub(super) fn play(mut self, kind: Kind) -> Incident {
        let (from, to) = kind.begins();
        self.second = self.random.between(from, to);
        let what = match kind {
            Kind::Night => self.lookups("平日の夜間に照会"),
            Kind::Holiday => self.lookups("閉庁日に照会"),
            Kind::SmallHours => self.lookups("未明に照会"),
            Kind::NightLogin => self.night_login(),
            Kind::NewTerminal => self.new_terminal(),
            Kind::Hopping => self.hopping(),
            Kind::DeniedBurst => self.denied_burst(),
            Kind::DeniedExport => self.denied_export(),
            Kind::ScreenCapture => self.screen_capture(),
            Kind::UnusualOperation => self.unusual_operation(),
            Kind::BulkExport => self.bulk_export(),
            Kind::RepeatSubject => self.repeat_subject(),
        };
        self.events.sort_by_key(Planted::moment);
        Incident {
            kind,
            user: self.user,
            what,
            events: self.events,
        }
    }

    fn staff(&self) -> &'a Staff {
        self.roster.staff
    }

    fn person(&self) -> &'a Person {
        &self.staff().people[self.user as usize]
    }

    fn resident(&mut self) -> u32 {
        let word = self.random.word();
        self.population.resident(word)
    }

    /// Appends a record and lets some seconds pass.
    fn act(
        &mut self,
        operation: Operation,
        subject: u32,
        references: bool,
        failed: bool,
        pause: (u32, u32),
    ) {
        let event = Event {
            second: self.second,
            user: self.user,
            terminal: self.terminal,
            subject,
            operation,
            failed,
            references,
        };
        self.events.push(Planted {
            day: self.day,
            event,
        });
        self.second += self.random.between(pause.0, pause.1);
    }

    fn login(&mut self) {
        self.act(Operation::Login, NOBODY, false, false, (8, 40));
    }

    fn view(&mut self, pause: (u32, u32)) {
        let subject = self.resident();
        self.act(Operation::View, subject, true, false, pause);
    }

    fn lookups(&mut self, what: &str) -> String {
        let n = self.random.between(3, 9);
        self.login();
        for _ in 0..n {
            self.view((15, 110));
        }
        format!("{what}{n}件")
    }

    fn night_login(&mut self) -> String {
        self.login();
        self.act(Operation::Search, NOBODY, false, false, (60, 400));
        self.act(Operation::Logout, NOBODY, false, false, (1, 1));
        "夜間にログイン（照会なし）".to_owned()
    }

    /// A desk that is not this person's: a colleague's, or in a small office a spare.
    fn foreign_terminal(&mut self, spare: u32) -> u32 {
        let users = u32::try_from(self.staff().people.len()).unwrap_or(u32::MAX);
        if users <= 24 {
            return self.staff().spare(spare);
        }
        // Colleagues by sixths of the staff, so that different `spare`s are different desks.
        let sixth = (users - 1) / 6;
        (self.user + 1 + (spare % 6) * sixth + self.random.below(sixth)) % users
    }

    fn new_terminal(&mut self) -> String {
        let n = self.random.between(3, 8);
        self.terminal = self.foreign_terminal(0);
        self.login();
        for _ in 0..n {
            self.view((20, 150));
        }
        self.act(Operation::Logout, NOBODY, false, false, (1, 1));
        format!(
            "使ったことのない端末{}で照会{n}件",
            self.staff().terminal(self.terminal)
        )
    }

    fn hopping(&mut self) -> String {
        let n = self.random.between(3, 5);
        for nth in 1..=n {
            self.terminal = self.foreign_terminal(nth);
            self.login();
            self.view((300, 700));
        }
        format!("1時間以内に{n}台の端末を渡り歩く")
    }

    fn denied_burst(&mut self) -> String {
        let n = self.random.between(4, 6);
        for _ in 0..n {
            let subject = self.resident();
            self.act(Operation::View, subject, true, true, (10, 110));
        }
        format!("10分以内に照会の失敗{n}件")
    }

    fn denied_export(&mut self) -> String {
        let n = self.random.between(1, 2);
        for _ in 0..n {
            self.act(Operation::Export, NOBODY, true, true, (20, 200));
        }
        format!("個人番号を含む書き出しの失敗{n}件")
    }

    fn screen_capture(&mut self) -> String {
        let n = self.random.between(1, 4);
        let subject = self.resident();
        self.act(Operation::View, subject, true, false, (5, 20));
        for _ in 0..n {
            self.act(Operation::ScreenCapture, subject, true, false, (10, 120));
        }
        format!("個人番号を表示した画面のプリントスクリーン{n}件")
    }

    fn unusual_operation(&mut self) -> String {
        let small = self.staff().people.len() < Kind::ALL.len();
        let mut choices = vec![Operation::Media];
        if self.person().department != IT_DEPARTMENT {
            choices.push(Operation::BulkView);
        }
        // In a tiny office the same person may also have been given the refused export.
        if !self.person().exporter && !small {
            choices.push(Operation::Export);
        }
        let operation = *self.random.pick(&choices);
        let n = self.random.between(1, 3);
        for _ in 0..n {
            self.act(operation, NOBODY, true, false, (30, 300));
        }
        format!("したことのない操作「{}」{n}件", operation.text())
    }

    fn bulk_export(&mut self) -> String {
        let operation = if self.person().exporter {
            Operation::Export
        } else {
            Operation::Print
        };
        let n = self.random.between(22, 45);
        for _ in 0..n {
            let subject = self.resident();
            self.act(operation, subject, true, false, (15, 80));
        }
        format!("{}を短時間に{n}件", operation.text())
    }

    fn repeat_subject(&mut self) -> String {
        let (from, to) = Kind::RepeatSubject.begins();
        let subject = self.resident();
        let n = self.random.between(5, 8);
        let days: Vec<u32> = self
            .roster
            .working_days(self.user)
            .into_iter()
            .filter(|day| (self.day..self.day + 6).contains(day))
            .collect();
        for _ in 0..n {
            self.day = *self.random.pick(&days);
            self.second = self.random.between(from, to);
            self.act(Operation::View, subject, true, false, (1, 1));
        }
        format!("7日以内に同じ宛名番号を{n}回照会")
    }
}
