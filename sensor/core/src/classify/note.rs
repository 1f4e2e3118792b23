//! What is known of a flow besides its counts.

use std::sync::Arc;

use super::{Application, Catalogue, Found, NameSource};

/// What is known of a flow when one of its records is written.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// What the flow itself showed.
    pub found: Option<Box<Found>>,
    /// What a DNS answer to the inside host called the outside address.
    pub joined: Option<Arc<str>>,
}

impl super::state::Kept for Note {
    fn heap_bytes(&self) -> usize {
        let found = self.found.as_deref().map_or(0, Found::memory_bytes);
        found + self.joined.as_deref().map_or(0, str::len)
    }
}

impl Note {
    /// Whether nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.found.is_none() && self.joined.is_none()
    }

    /// What the flow is.
    pub fn application(&self) -> Option<Application> {
        self.found.as_deref()?.application()
    }

    /// Whether the flow asks for names: those say nothing of its own other end.
    pub fn asks_for_names(&self) -> bool {
        self.application().is_some_and(Application::asks_for_names)
    }

    /// The best name: the flow's own, else what a DNS answer called the outside address.
    pub fn name(&self) -> Option<(&str, NameSource)> {
        let own = self.found.as_deref().and_then(Found::name);
        let joined = || {
            let name = self.joined.as_deref()?;
            (!self.asks_for_names()).then_some((name, NameSource::DnsAnswer))
        };
        own.or_else(joined)
    }

    /// The number of the service that the name belongs to.
    pub fn service(&self, catalogue: &Catalogue) -> Option<u32> {
        if self.asks_for_names() {
            return None;
        }
        catalogue.find(self.name()?.0)
    }
}
