/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Posted interrupts against entry, exit, HLT in the kernel and wake-up.
 *
 * Mirrors kvm_x86_deliver_interrupt() and vmx_collect_posted() in vmx/posted_intr.c,
 * vmx_world_switch() in vmx/vmenter.S (the flag and the look that follows it),
 * sleep_until_news() and kvm_vcpu_wake() in core/block.c.
 *
 * One bit of PIR stands for all: two senders post the same vector, each once
 * the guest has taken the one before, or coalesced with it. A third interrupt
 * comes from the vCPU's own thread, as its timer does.
 *
 * Properties:
 *   P1  no interrupt is lost: with all senders done, none is left in PIR while
 *       the guest runs on or the vCPU sleeps
 *   P2  the vCPU's own thread never sends a notification
 *   P3  a vCPU that sleeps with an interrupt pending is woken
 *
 * Mutants, each of which must break a property:
 *mutant NO_ENTRY_BARRIER	the flag may still be in the store buffer
 *mutant NO_ENTRY_LOOK		the descriptor is not looked at after the flag
 *mutant NO_SENDER_BARRIER	the sender reads the flag before ON is visible
 *mutant ON_CLEARED_LATE	software clears ON after it has collected PIR
 *mutant NO_FLAG_CLEAR		the flag stays set after an exit
 *mutant NO_BLOCK_BARRIER	the blocking thread looks before its state is visible
 *mutant NO_BLOCK_LOOK		it does not look at the descriptor
 *mutant NO_WAKE		the sender wakes nobody
 *mutant NO_NOTIFICATION	the sender leaves a running guest alone
 */
#include "tso.pml"

BUFFERED(in_guest);	/* vcpu->in_guest; its CPU stores it without a lock */
BUFFERED(blocked);	/* the vCPU's thread waits: rcuwait and task state */
bool pir;		/* changed by locked instructions only */
BUFFERED(on);		/* ON; buffered for NO_SENDER_BARRIER only */
bool irr;		/* virtual APIC page */
bool notification;	/* pending at the vCPU's CPU */
bool guest;		/* between VM-entry and VM-exit */
byte senders = 2;	/* not done yet */

active proctype drain()
{
end:
	do
	:: DRAIN(in_guest)
	:: DRAIN(blocked)
	:: DRAIN(on)
	od
}

/*
 * kvm_x86_deliver_interrupt(). Its own thread is @own. Locked instructions are
 * fences; whoever finds ON set leaves the rest to the one who set it.
 */
inline deliver(own)
{
	pir = true;
#ifdef NO_SENDER_BARRIER
	if
	:: !own -> flag = in_guest; atomic { was_on = LOAD_OWN(on); STORE(on, 1) }
	:: else -> atomic { FENCE(in_guest) && FENCE(blocked) && FENCE(on) ->
		was_on = on; on = 1; flag = LOAD_OWN(in_guest) }
	fi;
#else
	atomic { (!own || (FENCE(in_guest) && FENCE(blocked))) -> was_on = on; on = 1 }
	flag = (own -> LOAD_OWN(in_guest) : in_guest);
#endif
	if
	:: was_on
	:: !was_on && flag ->
		assert(!own);						/* P2 */
#ifndef NO_NOTIFICATION
		notification = true
#endif
	:: else ->
#ifndef NO_WAKE
		blocked = 0
#else
		skip
#endif
	fi
}

/* vmx_collect_posted() */
inline sync_pir()
{
	if
	:: on ->
#ifdef ON_CLEARED_LATE
		atomic { irr = irr || pir; pir = false }
		atomic { FENCE(in_guest) && FENCE(blocked) -> on = 0 }
#else
		atomic { FENCE(in_guest) && FENCE(blocked) -> on = 0 }
		atomic { irr = irr || pir; pir = false }
#endif
	:: else
	fi
}

active proctype vcpu()
{
	byte rounds = 0;
	bool timer = true;
	bool flag, was_on;

round:
	/* Irqs on: a notification that comes now is taken by the host, which ignores it. */
	notification = false;
	if
	:: timer -> timer = false; deliver(true)
	:: skip
	fi;
	/* Irqs off. */
enter:
	sync_pir();
	STORE(in_guest, 1);
#ifndef NO_ENTRY_BARRIER
	FENCE(in_guest);
#endif
#ifndef NO_ENTRY_LOOK
	if
	:: on -> STORE(in_guest, 0); goto enter
	:: else
	fi;
#endif
	guest = true;
	do
	/* Hardware takes PIR in; the guest serves the interrupt. */
	:: atomic { notification -> notification = false; on = 0;
		irr = irr || pir; pir = false }
	:: atomic { irr -> irr = false }
	:: atomic { rounds < 3 -> rounds++; guest = false; break }
	/* It computes for ever and exits for nothing. */
	:: atomic { senders == 0 && !notification && !irr && !on_full ->
		assert(!pir);						/* P1 */
		goto done }
	od;
#ifndef NO_FLAG_CLEAR
	STORE(in_guest, 0);
#endif
	if
	:: timer -> timer = false; deliver(true); goto enter	/* from an exit fastpath */
	:: goto enter						/* another one */
	:: goto round
	:: skip							/* HLT */
	fi;

	/* Irqs on again. kvm_vcpu_block(): state, barrier, look, sleep */
	notification = false;
	STORE(blocked, 1);
#ifndef NO_BLOCK_BARRIER
	FENCE(in_guest) && FENCE(blocked);
#endif
#ifndef NO_BLOCK_LOOK
	if
	:: on || irr -> goto awake
	:: else
	fi;
#endif
	do
	:: atomic { LOAD_OWN(blocked) == 0 -> goto awake }
	/* Nobody else will come. */
	:: atomic { senders == 0 && LOAD_OWN(blocked) == 1 && !blocked_full && !on_full ->
		assert(!pir && !irr);					/* P1, P3 */
		goto done }
	od;
awake:
	STORE(blocked, 0);
	FENCE(blocked);
	goto round;
done:
}

active [2] proctype sender()
{
	bool flag, was_on;

	deliver(false);
	senders--
}
