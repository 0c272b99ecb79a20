/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kick against an entry, with and without a request, and with the loop that
 * enters again from exits handled with interrupts off.
 *
 * Mirrors kvm_vcpu_kick() and leave_run_loop() in core/request.c, may_enter(),
 * enter_guest() and enter_repeatedly() in core/run.c.
 *
 * Properties:
 *   P1  what was requested before a kick returned is served before the guest
 *       executes an instruction after a later entry
 *   P2  a vCPU about to enter (its mode says so) when a kick returned executes
 *       no instruction before it has gone round, request or not. After its last
 *       look this holds for the kick that sent the interrupt; for another one,
 *       whose sender has yet to send, P3 does
 *   P3  a vCPU that was past its last look, or in the guest, when it was kicked
 *       leaves (none stays for ever)
 *
 * Mutants, each of which must break a property:
 *mutant NO_ENTRY_BARRIER	the mode may still be in the store buffer
 *mutant NO_REQUEST_CHECK	requests are not looked at after the mode is written
 *mutant NO_MODE_CHECK		nor is the mode read back
 *mutant NO_FAST_REQUEST_CHECK	the inner loop does not look at requests
 *mutant NO_FAST_MODE_CHECK	nor at the mode
 *mutant IRQS_ON		interrupts are on between the look and the entry
 *mutant NO_IPI			the kicker changes the mode but sends nothing
 *mutant KICK_READS_FIRST	the kicker looks at the mode before it sets the request
 */
#include "tso.pml"

#define OUTSIDE		0
#define IN_LOOP		1
#define EXITING		2

BUFFERED(mode);
bool request;		/* vcpu->requests; set by locked instructions only */
bool ipi;		/* pending at the vCPU's CPU */
bool in_guest;
bool about;		/* between the two stores of the mode */
bool looked;		/* past the last look, not yet back */
bool found_about[3];	/* by kicker: found the vCPU about to enter, and it still is */
bool executed;		/* the guest executed since this entry */
byte kickers = 3;	/* not done yet */

/* What the properties are stated in. */
bool owed_request;	/* a kick returned, its request is not served */
bool owed_look;		/* a kick found the vCPU about to enter */
bool owed_exit;		/* a kick found it past its last look */

active proctype drain()
{
end:
	do
	:: DRAIN(mode)
	od
}

active proctype vcpu()
{
	byte rounds = 0;
	bool go;

round:
	/* Host code, irqs on: a pending interrupt is taken. Requests are served. */
	atomic { ipi = false; owed_look = false;
		found_about[0] = false; found_about[1] = false; found_about[2] = false }
	do
	:: atomic { request -> request = false; owed_request = false }
	:: !request -> break
	od;

	/* enter_guest(): irqs off; may_enter() */
	atomic { STORE(mode, IN_LOOP); about = true }
#ifndef NO_ENTRY_BARRIER
	FENCE(mode);
#endif
	go = true;
#ifndef NO_REQUEST_CHECK
	if
	:: request -> go = false
	:: else
	fi;
#endif
#ifndef NO_MODE_CHECK
	if
	:: atomic { LOAD_OWN(mode) != IN_LOOP -> go = false }
	:: atomic { else -> looked = go }
	fi;
#else
	looked = go;
#endif
#ifdef IRQS_ON
	ipi = false;
#endif
	if
	:: !go -> goto out
	:: else
	fi;

enter:
	atomic { in_guest = true; executed = false }
	do
	/* Pending at entry, or later: it ends the guest. Nothing executes before it. */
	:: atomic { ipi ->
		in_guest = false; looked = false; owed_exit = false; goto out }
	:: atomic { !ipi && !executed ->
		assert(!owed_request);				/* P1 */
		assert(!owed_look);				/* P2 */
		executed = true }
	/* It may leave by itself, or stay for ever. */
	:: atomic { !ipi && executed && rounds < 2 ->
		rounds++; in_guest = false; looked = false; owed_exit = false; break }
	:: atomic { !ipi && executed && kickers == 0 -> goto rest }
	od;

	if
	:: goto out			/* an exit for the long way */
	:: skip				/* handled with irqs off */
	fi;
	if
	/* The handler may raise a request itself: no kick comes with it. */
	:: atomic { request = true; owed_request = true }
	:: skip
	fi;
	/* enter_repeatedly() */
#ifndef NO_FAST_REQUEST_CHECK
	if
	:: request -> goto out
	:: else
	fi;
#endif
#ifndef NO_FAST_MODE_CHECK
	if
	:: LOAD_OWN(mode) != IN_LOOP -> goto out
	:: atomic { else -> looked = true }
	fi;
#else
	looked = true;
#endif
	goto enter;

out:
	atomic { STORE(mode, OUTSIDE); about = false; looked = false }
	goto round;

rest:
	/* In the guest for good, every kick has returned. */
	assert(!owed_exit);					/* P3 */
	assert(!request);
}

/* leave_run_loop(): a locked compare-and-exchange, a fence whether it succeeds or not. */
inline exchange_mode()
{
	atomic {
		was = mode;
		/* What is in memory may be the mode of the last round, about to drain. */
		found_about[me] = about && was != OUTSIDE;
		if
		:: mode == IN_LOOP -> mode = EXITING
		:: else
		fi;
		if
		:: found_about[me] && looked -> owed_exit = true
		:: else
		fi
	}
}

inline interrupt()
{
	if
	:: was == IN_LOOP ->
#ifndef NO_IPI
		ipi = true
#else
		skip
#endif
	:: else
	fi
}

/* The kick has returned. It may have been the second, the first yet to send. */
inline returned(with_request)
{
	atomic {
		if
		:: found_about[me] && !in_guest && (was == IN_LOOP || !looked) ->
			owed_look = true
		:: else
		fi;
		if
		:: with_request && request && !in_guest && (was == IN_LOOP || !looked) ->
			owed_request = true
		:: else
		fi;
		found_about[me] = false;
		kickers--
	}
}

active [2] proctype kick_alone()
{
	byte was, me = _pid - 2;

	exchange_mode();
	interrupt();
	returned(false)
}

active proctype kick_with_request()
{
	byte was, me = 2;

#ifdef KICK_READS_FIRST
	exchange_mode();
	request = true;
#else
	request = true;
	exchange_mode();
#endif
	interrupt();
	returned(true)
}
