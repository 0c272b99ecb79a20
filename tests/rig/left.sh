# SPDX-License-Identifier: GPL-2.0-only
# What must not be left when the last VM is gone.  Sourced in the emulated host.
# shellcheck shell=bash

kmemleak=/sys/kernel/debug/kmemleak

# holders MODULE: its functions that hold memory of the slab allocator, "COUNT FUNCTION";
# nothing without slub_debug=U on the kernel's command line. Who called the allocator is
# in the first line of a record; for the kernel's helpers, its caller is below.
holders()
{
	cat /sys/kernel/debug/slab/*/alloc_traces 2>/dev/null | awk -v m="[$1]" '
		/^ *[0-9]+ / { count = $1; f = $2; look = $2 ~ /^(__kv|kv|v?memdup|kmemdup)/ }
		/^ *[0-9]+ / ? $3 == m : look && $2 == m {
			if (look && !/^ *[0-9]+ /)
				f = $1
			sub(/[+].*/, "", f)
			held[f] += count
			look = 0
		}
		END { for (f in held) print held[f], f }' | sort -k 2
}

# leaks_before MODULE: what is lost or held up to now, without a VM, is not this test's
leaks_before()
{
	[[ ! -e $kmemleak ]] || echo clear > $kmemleak
	held=$(holders "$1")
}

# nothing_left MODULE: unload it and look for references, memory that it allocated, page
# tables, slab caches, and on a kernel with kmemleak any unreferenced object
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
	for ((i = 0; i < 25; i++)); do
		[[ $(holders "$module") != "$held" ]] || break
		sleep 0.2
	done
	((i < 25)) || left "memory; before and after:"$'\n'"$held"$'\n--\n'"$(holders "$module")"
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
