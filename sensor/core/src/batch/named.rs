//! The columns of the `flows` table that say what a flow was and whom it reached.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, StringArray};
use arrow_schema::ArrowError;

use super::Labels;
use super::column::words;
use crate::classify::{Application, Found, NameSource, Note, REGISTRY_DATE, registered_country};
use crate::flow::Flow;

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

    /// Whether ECH was offered, where a hello was read.
    fn ech(&self) -> Option<bool> {
        let found = self.found()?;
        found.ja4.map(|_| found.ech)
    }

    /// The number of the service that the name belongs to.
    fn service(&self, labels: &Labels) -> Option<u32> {
        self.note?.service(&labels.catalogue)
    }
}

/// Columns from `application` to `country_source`.
pub(super) fn named_columns(
    rows: &[Row<'_>],
    labels: &Labels,
) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    let application = |row: &Row<'_>| {
        row.application()
            .map_or(-1, |application| application as i32)
    };
    let source = |row: &Row<'_>| row.name().map_or(-1, |(_, source)| source as i32);
    let names: StringArray = rows
        .iter()
        .map(|row| row.name().map(|(name, _)| name))
        .collect();
    let ech: BooleanArray = rows.iter().map(Row::ech).collect();
    let ja4: StringArray = rows
        .iter()
        .map(|row| Some(row.found()?.ja4.as_ref()?.as_str()))
        .collect();
    let mut columns: Vec<(&'static str, ArrayRef)> = vec![
        (
            "application",
            words(
                rows.iter().map(application).collect(),
                Application::ALL
                    .iter()
                    .map(|application| application.word().to_owned()),
            )?,
        ),
        ("name", Arc::new(names)),
        (
            "name_source",
            words(
                rows.iter().map(source).collect(),
                NameSource::ALL.map(|source| source.word().to_owned()),
            )?,
        ),
        ("names", all_names(rows)),
        ("ech", Arc::new(ech)),
        ("ja4", Arc::new(ja4)),
    ];
    columns.extend(service_columns(rows, labels)?);
    columns.extend(country_columns(rows, labels)?);
    Ok(columns)
}

/// Every name that the flow itself carried; NULL where it carried none.
fn all_names(rows: &[Row<'_>]) -> ArrayRef {
    let mut list = ListBuilder::new(StringBuilder::new());
    for row in rows {
        let names = row.found().map_or(&[][..], Found::names);
        for name in names {
            list.values().append_value(name);
        }
        list.append(!names.is_empty());
    }
    Arc::new(list.finish())
}

fn service_columns(
    rows: &[Row<'_>],
    labels: &Labels,
) -> Result<Vec<(&'static str, ArrayRef)>, ArrowError> {
    let services = labels.catalogue.services();
    let numbers: Vec<Option<u32>> = rows.iter().map(|row| row.service(labels)).collect();
    let keys: Vec<i32> = numbers
        .iter()
        .map(|number| number.map_or(-1, |number| number as i32))
        .collect();
    // Behind the services' categories come those of applications, for flows without a service.
    let by_application: Vec<Option<String>> = Application::ALL
        .iter()
        .map(|application| {
            let categories = &labels.application_categories;
            categories.get(application.word()).cloned()
        })
        .collect();
    let category = |(row, number): (&Row<'_>, &Option<u32>)| match (number, row.application()) {
        (Some(number), _) => *number as i32,
        (None, Some(application))
            if !application.asks_for_names()
                && by_application
                    .get(application as usize)
                    .is_some_and(Option::is_some) =>
        {
            (services.len() + application as usize) as i32
        }
        _ => -1,
    };
    let categories: Vec<i32> = rows.iter().zip(&numbers).map(category).collect();
    let words_of = |keys: &[i32], all: Vec<String>| few_words(keys, &all);
    let each = |text: fn(&crate::classify::Service) -> &String| -> Vec<String> {
        services.iter().map(text).cloned().collect()
    };
    let mut category_words = each(|service| &service.category);
    category_words.extend(by_application.into_iter().map(Option::unwrap_or_default));
    Ok(vec![
        (
            "service",
            words_of(&keys, each(|service| &service.service))?,
        ),
        (
            "organisation",
            words_of(&keys, each(|service| &service.organisation))?,
        ),
        ("category", words_of(&categories, category_words)?),
    ])
}

/// Text by keys into a list that may be long and repeat itself: only the words used, each once.
fn few_words(keys: &[i32], all: &[String]) -> Result<ArrayRef, ArrowError> {
    let mut used: Vec<Option<i32>> = vec![None; all.len()];
    let mut by_word = std::collections::HashMap::new();
    let mut kept = Vec::new();
    let mut mapped = Vec::with_capacity(keys.len());
    for &key in keys {
        let place = usize::try_from(key).ok();
        let slot_and_word = place.and_then(|place| Some((used.get_mut(place)?, all.get(place)?)));
        let Some((slot, word)) = slot_and_word else {
            mapped.push(-1);
            continue;
        };
        let number = *slot.get_or_insert_with(|| {
            *by_word.entry(word.as_str()).or_insert_with(|| {
                kept.push(word.clone());
                kept.len() as i32 - 1
            })
        });
        mapped.push(number);
    }
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
