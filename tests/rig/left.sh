# SPDX-License-Identifier: GPL-2.0-only
# What must not be left when the last VM is gone.  Sourced in the emulated host.
# shellcheck shell=bash

kmemleak=/sys/kernel/debug/kmemleak

# leaks_before: what is lost up to now is not this test's
leaks_before()
{
	[[ ! -e $kmemleak ]] || echo clear > $kmemleak
}

# nothing_left MODULE: unload it and look for references, page tables, slab caches,
# and on a kernel with kmemleak any unreferenced object
nothing_left()
{
	local module=$1 users i status=0

	left()
	{
		echo "left: $*"
		status=1
	}

	# The last references go with the last RCU callbacks.
	for ((i = 0; i < 50; i++)); do
		users=$(awk -v m="$module" '$1 == m { print $3 }' /proc/modules)
		((users)) || break
		sleep 0.2
	done
	((users)) && left "$users references to $module"
	rmmod "$module" || left "$module does not unload"
	[[ -e /dev/kvm ]] && left "/dev/kvm is still there"
	grep -E '^(kvm|x86_emulator|monovisor)' /proc/slabinfo && left "slab caches"
	awk '$1 == "SecPageTables:" && $2 { print; bad = 1 } END { exit bad }' /proc/meminfo ||
		left "page tables"
	if [[ -e $kmemleak ]]; then
		# kmemleak reports what is older than five seconds and was seen twice
		sleep 6
		echo scan > $kmemleak
		sleep 1
		echo scan > $kmemleak
		if [[ -s $kmemleak ]] && grep -q . $kmemleak; then
			cat $kmemleak
			left "leaked memory"
		fi
	fi
	return $status
}
