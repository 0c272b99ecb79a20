/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A change of the I/O APIC against EOIs of what it delivered before and
 * delivers after, where hardware delivers interrupts and only EOIs of vectors
 * in the EOI-exit bitmap exit.
 *
 * Mirrors kvm_scan_ioapic(), kvm_scan_route() and kvm_ioapic_eoi() in
 * core/irq/scan.c, and write_rte() and service() in core/irq/ioapic.c.
 *
 * Two level-triggered pins, of vectors 1 and 2, each routed to the vCPU (here)
 * or elsewhere. An edge-triggered source uses a vector whose pin leads
 * elsewhere. The I/O APIC's lock makes deliveries and scans of a pin whole, and
 * is held by a writer until every vCPU has left the guest. That a request is
 * seen before the next entry is kick.pml's to show.
 *
 * Properties:
 *   P1  the EOI of an interrupt that a pin delivered is seen by software
 *   P2  no bit outlives its EOI: at rest the bitmap holds what is routed here
 *
 * Mutants, each of which must break a property:
 *mutant NO_PENDING		the scan forgets what is pending or in service
 *mutant NO_MARKER		it does not note the stale vector
 *mutant NO_RESCAN		the stale vector's EOI requests no scan
 *mutant MARKER_KEPT		the marker is not reset where the bitmap is
 *mutant NO_REQUEST		a change requests no scan
 *mutant SERVICE_FIRST		the changed pin delivers before vCPUs have left the guest
 */
bool here[3] = true;	/* the pin of this vector leads to the vCPU */
bool locked;		/* the I/O APIC's lock */
bool irr[3], isr[3], level[3];	/* level: the TMR */
bool bitmap[3];		/* EOI-exit bitmap */
byte marker;		/* highest_stale_pending_ioapic_eoi; 0: none */
bool request = true;	/* KVM_REQ_SCAN_IOAPIC */
bool guest;		/* executing, with the bitmap as it was at entry */
bool kicked;
byte changes = 3, interrupts = 3, edges = 1;

#define PENDING(v)	((irr[v] || isr[v]) && level[v])

/* kvm_scan_route() */
inline scan_route(v)
{
	if
	:: here[v] -> bitmap[v] = true
	:: !here[v] && PENDING(v) ->
#ifndef NO_PENDING
		bitmap[v] = true;
#endif
#ifndef NO_MARKER
		if
		:: v > marker -> marker = v
		:: else
		fi
#endif
	:: else
	fi
}

#define HIGHEST(a)	(a[2] -> 2 : (a[1] -> 1 : 0))
#define QUIET		(!changes && !interrupts && !edges && !locked && \
			 !irr[1] && !irr[2] && !isr[1] && !isr[2] && !request)

active proctype vcpu()
{
	byte v;

host:
	kicked = false;
	if
	:: atomic { request -> request = false }
		/* kvm_scan_ioapic() */
		atomic { !locked ->
			bitmap[1] = false;
			bitmap[2] = false;
#ifndef MARKER_KEPT
			marker = 0;
#endif
			scan_route(1);
			scan_route(2) }
		goto host
	:: atomic { !request -> guest = true }
	fi;

	do
	:: atomic { kicked -> guest = false; goto host }
	/* The guest takes the highest interrupt, now or later. */
	:: atomic { HIGHEST(irr) > HIGHEST(isr) ->
		v = HIGHEST(irr); irr[v] = false; isr[v] = true; v = 0 }
	:: atomic { HIGHEST(isr) ->
		v = HIGHEST(isr); isr[v] = false;
		if
		:: bitmap[v] -> guest = false; break
		:: else ->
			assert(!level[v]);				/* P1 */
			v = 0
		fi }
	:: atomic { QUIET && !kicked ->
		assert(!bitmap[1] || here[1]);				/* P2 */
		assert(!bitmap[2] || here[2]);
		goto done }
	od;
	/* kvm_ioapic_eoi() */
	atomic {
#ifndef NO_RESCAN
		if
		:: marker == v -> request = true
		:: else
		fi;
#endif
		v = 0
	}
	goto host;
done:
}

/* A line that is raised: service(), with the lock held. */
active proctype device()
{
	do
	:: atomic { interrupts && !locked && here[1] && !PENDING(1) ->
		irr[1] = true; level[1] = true; interrupts-- }
	:: atomic { interrupts && !locked && here[2] && !PENDING(2) ->
		irr[2] = true; level[2] = true; interrupts-- }
	:: atomic { interrupts -> interrupts-- }
	:: else -> break
	od
}

active proctype msi()
{
	if
	:: atomic { !here[1] && !irr[1] && !isr[1] -> irr[1] = true; level[1] = false }
	:: atomic { !here[2] && !irr[2] && !isr[2] -> irr[2] = true; level[2] = false }
	:: skip
	fi;
	edges = 0
}

/* write_rte() */
active proctype writer()
{
	do
	:: changes ->
		atomic {
#ifndef SERVICE_FIRST
			locked = true;
#endif
			if
			:: here[1] = !here[1]
			:: here[2] = !here[2]
			fi
		}
#ifndef NO_REQUEST
		/* kvm_make_all_cpus_request() waits for who is in the guest. */
		request = true;
		atomic { if :: guest -> kicked = true :: else fi }
		(!kicked || !guest);
#endif
		atomic { locked = false; changes-- }
	:: else -> break
	od
}
