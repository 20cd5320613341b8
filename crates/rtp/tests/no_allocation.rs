//! On the way of a media packet nothing is allocated, once buffers have the size the source needs.

use std::time::{Duration, Instant};

use confab_rtp::stream::{HistoryConfig, PacketHistory, ReceiveLog, ReceiveLogConfig};
use confab_rtp::transport_wide::{SentKind, TwccReceiver, TwccReceiverConfig, TwccSender};
use confab_rtp::wire::{ExtensionIds, HeaderWriter, RtpHeader, RtpView, rtx};

/// The system's allocator, which counts what this thread asks of it.
#[expect(unsafe_code, reason = "an allocator is a foreign interface; this one hands everything on")]
mod counting_allocator {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    thread_local! {
        static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    pub fn allocations() -> u64 {
        ALLOCATIONS.get()
    }

    fn count() {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    }

    // SAFETY: every call is handed to the system's allocator unchanged; the count is a plain cell of the thread.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count();
            // SAFETY: as the caller promises.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            // SAFETY: as the caller promises.
            unsafe { System.dealloc(pointer, layout) }
        }

        unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            count();
            // SAFETY: as the caller promises.
            unsafe { System.realloc(pointer, layout, size) }
        }
    }
}

const IDS: ExtensionIds = ExtensionIds {
    mid: Some(1),
    rid: None,
    repaired_rid: None,
    transport_cc: Some(3),
    abs_send_time: Some(2),
    audio_level: None,
    dependency_descriptor: Some(5),
    video_orientation: None,
    playout_delay: None,
};

/// One incoming stream, one receiver of it, and what lies between, as a server has them.
struct Forwarding {
    log: ReceiveLog,
    arrivals: TwccReceiver,
    history: PacketHistory<bool>,
    sender: TwccSender,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    numbers: Vec<u16>,
}

impl Forwarding {
    fn new() -> Self {
        Self {
            log: ReceiveLog::new(ReceiveLogConfig { clock_rate: 90_000, asks: true }),
            arrivals: TwccReceiver::new(TwccReceiverConfig {
                interval: Duration::from_secs(3600),
                at_once: usize::MAX,
            }),
            history: PacketHistory::new(HistoryConfig::default()),
            sender: TwccSender::new(2048),
            incoming: Vec::with_capacity(1500),
            outgoing: Vec::with_capacity(1500),
            numbers: Vec::with_capacity(1024),
        }
    }

    fn forward(&mut self, now: Instant, index: u32) {
        self.incoming.clear();
        let header = RtpHeader {
            marker: index.is_multiple_of(8),
            payload_type: 96,
            sequence: index as u16,
            timestamp: index,
            ssrc: 1,
        };
        let written = HeaderWriter::new(header)
            .extension(IDS.mid, b"0")
            .extension(IDS.dependency_descriptor, &[7; 20])
            .transport_cc(IDS.transport_cc)
            .append(&mut self.incoming);
        written.set_transport_cc(&mut self.incoming, index as u16);
        self.incoming.resize(written.len + 600 + (index % 500) as usize, 9);

        let view = RtpView::parse(&self.incoming).expect("valid");
        let values = IDS.read(&view);
        self.arrivals.on_packet(values.transport_cc.expect("negotiated"), now);
        let noted = self.log.on_packet(now, view.sequence(), view.timestamp(), false);
        self.log.poll_nacks(now, Duration::from_millis(80), &mut self.numbers);
        self.numbers.clear();
        self.history.insert(now, noted.number, view.timestamp(), view.marker(), true, view.payload());

        let stored = self.history.get(now, noted.number).expect("just stored");
        self.outgoing.clear();
        let written = HeaderWriter::new(header)
            .extension(IDS.mid, b"0")
            .transport_cc(IDS.transport_cc)
            .abs_send_time(IDS.abs_send_time)
            .append(&mut self.outgoing);
        rtx::append_original_sequence(&mut self.outgoing, stored.number as u16);
        self.outgoing.extend_from_slice(stored.payload);
        let number = self.sender.send(now, self.outgoing.len(), SentKind::Repair);
        assert!(written.set_transport_cc(&mut self.outgoing, number));
    }
}

#[test]
fn a_forwarded_packet_allocates_nothing() {
    let start = Instant::now();
    let mut forwarding = Forwarding::new();
    // Every eleventh packet is lost; five seconds to grow in, then half a minute.
    let times =
        (0..35_000_u32).filter(|index| index % 11 != 3).map(|index| (index, start + Duration::from_millis(1) * index));
    let mut before = 0;
    for (index, now) in times {
        if index == 5000 {
            before = counting_allocator::allocations();
        }
        forwarding.forward(now, index);
    }
    assert!(before > 10, "the count counts: {before}");
    assert_eq!(counting_allocator::allocations() - before, 0);
    assert!(forwarding.log.stats().asked > 20_000);
}
