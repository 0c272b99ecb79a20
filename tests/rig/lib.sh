# SPDX-License-Identifier: GPL-2.0-only
# What the rig's scripts share: where the cache is, messages, initramfs images
# and what in a kernel log counts as a failure.  Sourced, never run.
# shellcheck shell=bash

# Variables given to an outer make are not meant for kbuild.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL KDIR V

# modinfo and its like, which are not in a user's path.
PATH=$PATH:/usr/sbin:/sbin

cache=${MONOVISOR_CACHE:-$HOME/.cache/monovisor}

# A line of the emulated host's log that matches fails the run.
kernel_trouble='Kernel panic|Oops|BUG:|WARNING:|KASAN|UBSAN|KCSAN|INFO: (task|rcu|possible)'
kernel_trouble+='|rcu: INFO|possible (recursive|circular)|inconsistent lock|Unable to handle'
kernel_trouble+='|general protection|double fault|list_(add|del) corruption|scheduling while atomic'
kernel_trouble+='|suspicious RCU usage|blocked for more than|soft lockup|hard LOCKUP'
kernel_trouble+='|sleeping function called|[1-9][0-9]* new suspected memory leaks'
kernel_trouble+='|unchecked MSR access|Objects remaining'
# Such lines that say nothing against a module. Against indirect target selection the
# kernel gives each module a page of branches, and warns of that page itself (W^X) when
# it writes the second one there, of any module: so on Bochs. It does not believe the
# topology of Bochs's Penryn, nor 6.1 that of two CPUs' uncore.
kernel_harmless="hw-vuln/"
bochs_harmless="$kernel_harmless|RETBleed: WARNING|set_memory.c:[0-9]+ __change_page_attr_set_clr"
bochs_harmless+="|topology_common.c:[0-9]+ parse_legacy|uncore.c:[0-9]+ uncore_change_context"
export cache kernel_trouble kernel_harmless bochs_harmless

# An emulator that outlived its script would go on until its time limit: SIGTERM comes
# however the script ends, and --foreground keeps it where a terminal's Ctrl-C arrives.
until_limit=(setpriv --pdeathsig TERM timeout --foreground -k 5)
export until_limit

die()
{
	echo "${0##*/}: $*" >&2
	exit 125
}

say()
{
	echo "== $*" >&2
}

# progress WHAT LOG CMD...: run CMD with its output in LOG; if that takes over three
# seconds, say WHAT, and then a dot every ten
progress()
{
	local what=$1 log=$2 ticker start=$SECONDS status=0
	shift 2

	# A read of what never comes: a sleep would outlive the ticker. Ctrl-C does not
	# reach it, but this script and CMD, which is therefore not the one behind.
	{
		exec {never}<> <(:)
		read -rt 3 -u "$never" || say "$what"
		until read -rt 10 -u "$never" || ! kill -0 $$ 2> /dev/null; do
			printf . >&2
		done
	} &
	ticker=$!
	"$@" > "$log" 2>&1 || status=$?
	kill "$ticker"
	wait "$ticker" 2>/dev/null || true
	((SECONDS - start < 13)) || echo >&2
	return "$status"
}

# emulator_for VENDOR [RIG]: which of the two emulators a run is on
emulator_for()
{
	case $1/${2-} in
	svm/|svm/tcg)			echo tcg ;;
	vmx/|vmx/bochs|svm/bochs)	echo bochs ;;
	vmx/tcg)			die "QEMU emulates no VMX" ;;
	*)				die "no rig '${2-}' for vendor '$1'" ;;
	esac
}

# bochs_model NAME: what Bochs calls this CPU model; it has been built
bochs_model()
{
	local name=$1 models

	case $1 in
	haswell)	name=corei7_haswell_4770 ;;
	skylake-x)	name=corei7_skylake_x ;;
	icelake-u)	name=corei7_icelake_u ;;
	esac
	models=$("$cache/bochs/bochs" --help cpu 2>&1) || true
	[[ $models = *$'\n'"$name"$'\n'* ]] ||
		die "Bochs has no CPU model '$1'; haswell, skylake-x, icelake-u, ryzen," \
			"or one of '$cache/bochs/bochs --help cpu'"
	echo "$name"
}

busybox_static()
{
	local b

	for b in /bin/busybox /usr/bin/busybox; do
		[[ -x $b ]] && { echo "$b"; return; }
	done
	die "no busybox; run tests/rig/setup packages"
}

# make_initramfs DIR: DIR as a newc archive on standard output, owned by root
make_initramfs()
{
	(cd "$1" && find . | "$(busybox_static)" cpio -o -H newc -R 0:0 2>/dev/null)
}
