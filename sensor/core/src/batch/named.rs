//! The columns of the `flows` table that say what a flow was and whom it reached.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{BooleanBuilder, ListBuilder, StringBuilder};
use arrow_schema::ArrowError;

use super::Labels;
use super::column::words;
use crate::classify::{
    Application, Found, NameSource, Note, REGISTRY_DATE, Service, registered_country,
};
use crate::flow::Flow;
use crate::name::ja4::Ja4;

/// Rows whose names are fetched together, so that their cache misses overlap.
const GROUP: usize = 32;

/// A flow record with what is known of it besides its counts.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    flow: &'a Flow,
    note: Option<&'a Note>,
}

impl<'a> Row<'a> {
    pub(super) fn new(flow: &'a Flow, notes: &'a [Note]) -> Self {
        let place = flow.mark.number().checked_sub(1);
        let note = place.and_then(|place| notes.get(place as usize));
        Self { flow, note }
    }

    fn found(&self) -> Option<&'a Found> {
        self.note?.found.as_deref()
    }

    fn application(&self) -> Option<Application> {
        self.note?.application()
    }

    /// The best name: the flow's own, else what a DNS answer called the outside address.
    fn name(&self) -> Option<(&'a str, NameSource)> {
        self.note?.name()
    }
}

/// Columns from `application` to `country_source`.
pub(super) fn named_columns(
    rows: &[Row<'_>],
    labels: &Labels,
) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    let mut columns = NameColumns::with_capacity(rows.len());
    for group in rows.chunks(GROUP) {
        let found = || group.iter().filter_map(Row::found);
        black_box(found().fold(0, |sum, found| sum ^ found.touch()));
        black_box(found().fold(0, |sum, found| sum ^ found.touch_name()));
        for row in group {
            columns.push(row, labels);
        }
    }
    let mut columns = columns.finish(labels)?;
    columns.extend(country_columns(rows, labels)?);
    Ok(columns)
}

/// Columns that are filled a row at a time: what was found of a flow lies far from its record and from other
/// flows', and is fetched once.
struct NameColumns {
    applications: Vec<i32>,
    names: StringBuilder,
    sources: Vec<i32>,
    all_names: ListBuilder<StringBuilder>,
    ech: BooleanBuilder,
    ja4: StringBuilder,
    services: Vec<i32>,
    categories: Vec<i32>,
}

impl NameColumns {
    fn with_capacity(rows: usize) -> Self {
        /// A guess: a third of the flows have a name, a sixth a fingerprint.
        const NAME_BYTES: usize = 8;
        let texts = || StringBuilder::with_capacity(rows, rows * NAME_BYTES);
        let numbers = || Vec::with_capacity(rows);
        Self {
            applications: numbers(),
            names: texts(),
            sources: numbers(),
            all_names: ListBuilder::with_capacity(texts(), rows),
            ech: BooleanBuilder::with_capacity(rows),
            ja4: texts(),
            services: numbers(),
            categories: numbers(),
        }
    }

    fn push(&mut self, row: &Row<'_>, labels: &Labels) {
        let application = row.application();
        self.applications
            .push(application.map_or(-1, |application| application as i32));
        let name = row.name();
        self.names.append_option(name.map(|(name, _)| name));
        self.sources
            .push(name.map_or(-1, |(_, source)| source as i32));
        let found = row.found();
        // Every name that the flow itself carried; NULL where it carried none.
        let all = found.map_or(&[][..], Found::names);
        for name in all {
            self.all_names.values().append_value(name);
        }
        self.all_names.append(!all.is_empty());
        let ja4 = found.and_then(|found| found.ja4.as_ref());
        self.ech
            .append_option(ja4.and(found).map(|found| found.ech));
        self.ja4.append_option(ja4.map(Ja4::as_str));
        let asks = application.is_some_and(Application::asks_for_names);
        let service = name
            .filter(|_| !asks)
            .and_then(|(name, _)| labels.catalogue.find(name));
        self.services
            .push(service.map_or(-1, |number| number as i32));
        let by_application = || {
            let application = application.filter(|_| !asks)?;
            // Behind the services' categories come those of applications.
            Some((labels.catalogue.services().len() + application as usize) as i32)
        };
        let category = service.map(|number| number as i32);
        self.categories
            .push(category.or_else(by_application).unwrap_or(-1));
    }

    fn finish(mut self, labels: &Labels) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
        let services = labels.catalogue.services();
        let service = |key| services.get(key);
        let category = |key: usize| {
            let by_application = || {
                let application = Application::ALL.get(key.checked_sub(services.len())?)?;
                labels.application_categories.get(application.word())
            };
            let by_service = service(key).map(|service| &service.category);
            by_service.or_else(by_application).map(String::as_str)
        };
        let applications = Application::ALL.iter().map(|known| known.word().to_owned());
        let sources = NameSource::ALL.map(|source| source.word().to_owned());
        let of_service =
            |word: fn(&Service) -> &str| few_words(&self.services, |key| service(key).map(word));
        let (service, organisation) = (
            of_service(|service| &service.service)?,
            of_service(|service| &service.organisation)?,
        );
        Ok(vec![
            ("application", words(self.applications, applications)?),
            ("name", Arc::new(self.names.finish())),
            ("name_source", words(self.sources, sources)?),
            ("names", Arc::new(self.all_names.finish())),
            ("ech", Arc::new(self.ech.finish())),
            ("ja4", Arc::new(self.ja4.finish())),
            ("service", service),
            ("organisation", organisation),
            ("category", few_words(&self.categories, category)?),
        ])
    }
}

/// Text by keys of which few are used, and whose words repeat: only the words used, each once. A key without
/// a word is NULL.
fn few_words<'a>(
    keys: &[i32],
    word_of: impl Fn(usize) -> Option<&'a str>,
) -> Result<ArrayRef, ArrowError> {
    let mut by_key: Vec<Option<i32>> = Vec::new();
    let mut by_word = HashMap::new();
    let mut kept = Vec::new();
    let mut number_of = |key: usize| {
        let Some(word) = word_of(key) else { return -1 };
        *by_word.entry(word).or_insert_with(|| {
            kept.push(word.to_owned());
            kept.len() as i32 - 1
        })
    };
    let mapped = keys.iter().map(|&key| {
        let Ok(key) = usize::try_from(key) else {
            return -1;
        };
        if by_key.len() <= key {
            by_key.resize(key + 1, None);
        }
        match by_key.get_mut(key) {
            Some(number) => *number.get_or_insert_with(|| number_of(key)),
            None => -1,
        }
    });
    let mapped = mapped.collect();
    words(mapped, kept)
}

fn country_columns(
    rows: &[Row<'_>],
    labels: &Labels,
) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    const LETTERS: usize = 26;
    let mut numbers = [-1i32; LETTERS * LETTERS];
    let mut codes: Vec<String> = Vec::new();
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let outside = row.flow.addresses().1;
        let code = labels
            .countries
            .then(|| registered_country(row.flow.key.version(), outside))
            .flatten();
        keys.push(code.map_or(-1, |code| {
            let letters = code
                .bytes()
                .map(|letter| usize::from(letter.wrapping_sub(b'A')));
            let place = letters.fold(0, |place, letter| place * LETTERS + letter);
            let Some(number) = numbers.get_mut(place) else {
                return -1;
            };
            if *number < 0 {
                *number = codes.len() as i32;
                codes.push(code.to_owned());
            }
            *number
        }));
    }
    let sources = keys.iter().map(|&key| key.min(0)).collect();
    Ok(vec![
        ("country", words(keys, codes)?),
        (
            "country_source",
            words(sources, [format!("rir {REGISTRY_DATE}")])?,
        ),
    ])
}
