//! A multibit trie with compressed nodes, after Asai and Ohara, "Poptrie" (SIGCOMM 2015): the first
//! 18 bits index a table, then each node stands for 6 bits and finds its children and leaves by
//! counting bits. Addresses are left-aligned, so both families share the code.

/// Bits of the first table: 18, so that the usual lengths end a node, /24 and /30.
const ROOT_BITS: u8 = 18;
/// Bits a node stands for.
const STRIDE: u8 = 6;
/// Set in a root entry that is the index of a node; otherwise the entry is a leaf's value.
const NODE: u32 = 1 << 31;

/// 64 slots: those set in `children` go on in another node, the others end in a leaf.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    children: u64,
    /// Slots at which a run of equal leaves begins.
    runs: u64,
    first_leaf: u32,
    first_child: u32,
}

/// Values below `NODE` by prefix; 0 is no match.
#[derive(Debug)]
pub(super) struct Trie {
    root: Vec<u32>,
    nodes: Vec<Node>,
    leaves: Vec<u32>,
}

/// A part of the sorted prefixes, all inside one slot, waiting to become a node.
struct Task {
    node: usize,
    from: usize,
    to: usize,
    depth: u8,
    inherited: u32,
}

/// What a slot of a table or node holds while it is built.
#[derive(Clone, Copy)]
struct Slot {
    value: u32,
    /// Longer prefixes within: a range of positions, empty for a leaf.
    from: usize,
    to: usize,
}

impl Trie {
    /// Builds from `count` prefixes sorted by (address, length). `prefix(position, inherited)` gives the
    /// left-aligned address, the length, and, asked with what covers it already, its value.
    pub(super) fn build<F>(count: usize, mut prefix: F) -> Self
    where
        F: FnMut(usize, Option<u32>) -> (u128, u8, Option<u32>),
    {
        let mut trie = Self {
            root: vec![0; 1 << ROOT_BITS],
            nodes: Vec::new(),
            leaves: Vec::new(),
        };
        let mut tasks = Vec::new();
        let mut slots = vec![
            Slot {
                value: 0,
                from: 0,
                to: 0
            };
            1 << ROOT_BITS
        ];
        fill(&mut slots, &mut prefix, (0, count), 0, ROOT_BITS);
        for (entry, slot) in trie.root.iter_mut().zip(&slots) {
            *entry = slot.value;
            if slot.from < slot.to {
                let node = trie.nodes.len();
                trie.nodes.push(Node::default());
                *entry = NODE | node as u32;
                tasks.push(Task {
                    node,
                    from: slot.from,
                    to: slot.to,
                    depth: ROOT_BITS,
                    inherited: slot.value,
                });
            }
        }
        while let Some(task) = tasks.pop() {
            let mut slots = [Slot {
                value: task.inherited,
                from: 0,
                to: 0,
            }; 1 << STRIDE];
            fill(
                &mut slots,
                &mut prefix,
                (task.from, task.to),
                task.depth,
                STRIDE,
            );
            trie.finish(&task, &slots, &mut tasks);
        }
        trie
    }

    fn finish(&mut self, task: &Task, slots: &[Slot], tasks: &mut Vec<Task>) {
        let mut node = Node {
            first_leaf: self.leaves.len() as u32,
            first_child: self.nodes.len() as u32,
            ..Node::default()
        };
        let mut last_leaf = None;
        for (number, slot) in slots.iter().enumerate() {
            if slot.from < slot.to {
                node.children |= 1 << number;
                let child = self.nodes.len();
                self.nodes.push(Node::default());
                tasks.push(Task {
                    node: child,
                    from: slot.from,
                    to: slot.to,
                    depth: task.depth + STRIDE,
                    inherited: slot.value,
                });
            } else if last_leaf != Some(slot.value) {
                node.runs |= 1 << number;
                last_leaf = Some(slot.value);
                self.leaves.push(slot.value);
            }
        }
        self.nodes[task.node] = node;
    }

    /// Reads where the lookup of a left-aligned address begins, so that it is near when it is needed.
    #[inline]
    pub(super) fn approach(&self, top_bits: u32) -> u32 {
        self.root[(top_bits >> (32 - ROOT_BITS)) as usize]
    }

    /// Reads the node behind that, for the same reason.
    #[inline]
    pub(super) fn touch(&self, entry: u32) -> u64 {
        if entry & NODE == 0 {
            return 0;
        }
        self.nodes
            .get((entry & !NODE) as usize)
            .map_or(0, |node| node.children)
    }

    /// The value of the longest prefix that holds an IPv4 address.
    #[inline]
    pub(super) fn lookup_short(&self, address: u32) -> u32 {
        let aligned = u64::from(address) << 32;
        self.descend(
            self.root[(address >> (32 - ROOT_BITS)) as usize],
            ROOT_BITS,
            |depth| (aligned << depth) >> 58,
        )
    }

    /// The value of the longest prefix that holds an IPv6 address.
    #[inline]
    pub(super) fn lookup(&self, address: u128) -> u32 {
        self.descend(
            self.root[(address >> (128 - ROOT_BITS)) as usize],
            ROOT_BITS,
            |depth| ((address << depth) >> 122) as u64,
        )
    }

    #[inline]
    fn descend(&self, mut entry: u32, mut depth: u8, slot_at: impl Fn(u8) -> u64) -> u32 {
        while entry & NODE != 0 {
            let Some(node) = self.nodes.get((entry & !NODE) as usize) else {
                return 0;
            };
            let slot = slot_at(depth) & 63;
            let up_to = u64::MAX >> (63 - slot);
            if node.children >> slot & 1 == 0 {
                let leaf = node.first_leaf + (node.runs & up_to).count_ones() - 1;
                return self.leaves.get(leaf as usize).copied().unwrap_or(0);
            }
            entry = NODE | (node.first_child + (node.children & up_to).count_ones() - 1);
            depth += STRIDE;
        }
        entry
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.root.len() + self.leaves.len()) * size_of::<u32>()
            + self.nodes.len() * size_of::<Node>()
    }
}

/// Writes the prefixes at `from..to` into the slots of a table of `bits` bits below `depth`.
///
/// Prefixes that end here paint their slots, shorter ones first; longer ones are left to the slot that
/// holds them. Sorted order puts a prefix before all it covers, so what a slot holds when a prefix
/// comes is what covers that prefix.
fn fill<F>(slots: &mut [Slot], prefix: &mut F, (from, to): (usize, usize), depth: u8, bits: u8)
where
    F: FnMut(usize, Option<u32>) -> (u128, u8, Option<u32>),
{
    for position in from..to {
        let (address, length, _) = prefix(position, None);
        let slot = ((address << depth) >> (128 - u32::from(bits))) as usize;
        if length > depth + bits {
            let slot = &mut slots[slot];
            if slot.from == slot.to {
                slot.from = position;
            }
            slot.to = position + 1;
        } else {
            let (_, _, value) = prefix(position, Some(slots[slot].value));
            let width = 1usize << (depth + bits - length);
            for slot in &mut slots[slot..slot + width] {
                slot.value = value.unwrap_or(0);
            }
        }
    }
}
