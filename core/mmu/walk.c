// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's page tables, walked as its CPU walks them: for the emulator,
 * for what exits without a physical address, and for KVM_TRANSLATE. The
 * second-stage tables are not looked at; tables are read through the slots.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include <asm/cpufeature.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/memslot.h"
#include "core/mmu/walk.h"
#include "core/regs.h"
#include "core/vm.h"
#include "ops/regs.h"
#include "ops/run.h"

/* A guest that rewrites its tables all the time gets a spurious #PF, not our CPU. */
#define MAX_WALK_RESTARTS	16

/**
 * guest_pte_is_leaf() - does a present entry end the walk?
 * @mmu: paging mode
 * @pte: entry
 * @level: of its table, 1 being the lowest
 */
bool guest_pte_is_leaf(const struct guest_mmu *mmu, u64 pte, int level)
{
	if (level == 1)
		return true;
	if (!(pte & GUEST_PTE_PS))
		return false;

	switch (mmu->paging) {
	case GUEST_PAGING_32BIT:
		return mmu->pse;
	case GUEST_PAGING_PAE:
		return level == 2;
	default:
		return level == 2 || (level == 3 && mmu->gbpages);
	}
}

static u64 rsvd_bits_32bit(const struct guest_mmu *mmu, bool huge)
{
	int pse36_bits = clamp(mmu->maxphyaddr, 32, 40) - 32;

	if (!huge)
		return 0;
	/* Bits 20:13 are address bits 39:32 as far as the CPU has them. */
	return GENMASK_ULL(21, 13) & ~((BIT_ULL(pse36_bits) - 1) << 13);
}

/**
 * guest_pte_rsvd_bits() - bits that must be clear in a present entry
 * @mmu: paging mode
 * @pte: entry
 * @level: of its table
 */
u64 guest_pte_rsvd_bits(const struct guest_mmu *mmu, u64 pte, int level)
{
	bool leaf = guest_pte_is_leaf(mmu, pte, level);
	bool pae = mmu->paging == GUEST_PAGING_PAE;
	u64 rsvd;

	if (mmu->paging == GUEST_PAGING_32BIT)
		return rsvd_bits_32bit(mmu, leaf && level > 1);

	rsvd = mmu->maxphyaddr < 52 ? GENMASK_ULL(51, mmu->maxphyaddr) : 0;
	if (!mmu->nxe)
		rsvd |= GUEST_PTE_NX;
	if (pae)
		rsvd |= GENMASK_ULL(62, 52);

	/*
	 * A PAE page-directory pointer has neither rights nor NX, nor A: but some
	 * CPUs (QEMU's TCG is one) set A when they walk through it, and what the
	 * CPU itself accepts is not refused here.
	 */
	if (pae && level == 3)
		return rsvd | GUEST_PTE_NX | GENMASK_ULL(8, 6) | GENMASK_ULL(2, 1);
	if (leaf && level > 1)	/* address bits below the page size, but PAT in bit 12 */
		return rsvd | GENMASK_ULL(guest_level_shift(mmu, level) - 1, 13);
	if (level > 2 && !leaf) {
		/* PS where there is no such page size. */
		if (level > 3 || !mmu->gbpages)
			rsvd |= GUEST_PTE_PS;
		if (level > 3 && mmu->amd)
			rsvd |= BIT_ULL(8);
	}
	return rsvd;
}

/**
 * guest_pte_addr() - the table or page an entry leads to
 * @mmu: paging mode
 * @pte: a present entry without reserved bits
 * @level: of its table
 */
gpa_t guest_pte_addr(const struct guest_mmu *mmu, u64 pte, int level)
{
	bool leaf = guest_pte_is_leaf(mmu, pte, level);
	int shift = leaf ? guest_level_shift(mmu, level) : 12;

	if (mmu->paging != GUEST_PAGING_32BIT)
		return pte & GENMASK_ULL(51, shift);
	if (shift == 12)
		return pte & GENMASK_ULL(31, 12);
	return (pte & GENMASK_ULL(31, 22)) | (pte & GENMASK_ULL(20, 13)) << (32 - 13);
}

/**
 * guest_pte_combine() - rights after one more level
 * @rights: so far; start with GUEST_PTE_W | GUEST_PTE_U
 * @pte: the entry
 *
 * Return: W and U if all levels grant them, NX if any level has it.
 */
u64 guest_pte_combine(u64 rights, u64 pte)
{
	return (rights & pte & (GUEST_PTE_W | GUEST_PTE_U)) | ((rights | pte) & GUEST_PTE_NX);
}

/**
 * guest_pte_allows() - may the access be made?
 * @mmu: paging mode
 * @rights: of all levels, from guest_pte_combine()
 * @access: GUEST_ACCESS_*
 *
 *	page		user access		supervisor access
 *	supervisor	no			read; write if W or !WP; fetch if !NX
 *	user		read; write if W;	read, write as above unless SMAP forbids;
 *			fetch if !NX		fetch if !NX and !SMEP
 *
 * SMAP forbids data access unless RFLAGS.AC is set; to implicit accesses
 * AC means nothing. Protection keys: guest_pkey_allows().
 */
bool guest_pte_allows(const struct guest_mmu *mmu, u64 rights, u32 access)
{
	bool user = access & GUEST_ACCESS_USER && !(access & GUEST_ACCESS_IMPLICIT);
	bool user_page = rights & GUEST_PTE_U;

	if (user && !user_page)
		return false;
	if (access & GUEST_ACCESS_FETCH) {
		if (mmu->nxe && rights & GUEST_PTE_NX)
			return false;
		return user || !user_page || !mmu->smep;
	}
	if (!user && user_page && mmu->smap && (access & GUEST_ACCESS_IMPLICIT || !mmu->ac))
		return false;
	if (access & GUEST_ACCESS_WRITE && !(rights & GUEST_PTE_W))
		return !user && !mmu->wp;
	return true;
}

/**
 * guest_pkey_allows() - does the protection key permit the access?
 * @mmu: paging mode
 * @rights: of all levels
 * @leaf: the entry with the key
 * @access: GUEST_ACCESS_*
 *
 * Keys guard data in user pages, from supervisors too. A supervisor's write
 * is stopped by the write-disable bit only with CR0.WP.
 */
bool guest_pkey_allows(const struct guest_mmu *mmu, u64 rights, u64 leaf, u32 access)
{
	bool user = access & GUEST_ACCESS_USER && !(access & GUEST_ACCESS_IMPLICIT);
	unsigned int key = (leaf >> GUEST_PTE_PKEY_SHIFT) & 15;
	bool access_disable = mmu->pkru >> (2 * key) & 1;
	bool write_disable = mmu->pkru >> (2 * key + 1) & 1;

	if (!mmu->pke || !(rights & GUEST_PTE_U) || access & GUEST_ACCESS_FETCH)
		return true;
	if (access_disable)
		return false;
	return !(access & GUEST_ACCESS_WRITE && write_disable && (user || mmu->wp));
}

/**
 * guest_error_code() - what a page fault reports
 * @mmu: paging mode
 * @access: GUEST_ACCESS_*
 * @cause: GUEST_PFERR_P, RSVD and PK as they apply
 */
u32 guest_error_code(const struct guest_mmu *mmu, u32 access, u32 cause)
{
	u32 code = cause;

	if (access & GUEST_ACCESS_WRITE)
		code |= GUEST_PFERR_W;
	if (access & GUEST_ACCESS_USER && !(access & GUEST_ACCESS_IMPLICIT))
		code |= GUEST_PFERR_U;
	if (access & GUEST_ACCESS_FETCH && (mmu->nxe || mmu->smep))
		code |= GUEST_PFERR_I;
	return code;
}

/* The bits of CR4 below; the guest owns none of them, so there is nothing to read back. */
#define MMU_CR4_BITS	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE | \
			 X86_CR4_LA57)

/* @access: a fetch asks neither for WP nor for AC. */
static void guest_mmu_read(struct kvm_vcpu *vcpu, u32 access, struct guest_mmu *mmu)
{
	bool data = !(access & GUEST_ACCESS_FETCH);
	unsigned long cr0 = kvm_read_cr0_bits(vcpu, X86_CR0_PG | (data ? X86_CR0_WP : 0));
	unsigned long cr4 = kvm_read_cr4_bits(vcpu, MMU_CR4_BITS);
	bool long_mode = is_long_mode(vcpu);

	*mmu = (struct guest_mmu) {
		.maxphyaddr	= vcpu->maxphyaddr,
		.wp		= cr0 & X86_CR0_WP,
		.pse		= cr4 & X86_CR4_PSE,
		.nxe		= vcpu->efer & EFER_NX && cr4 & X86_CR4_PAE,
		.smep		= cr4 & X86_CR4_SMEP,
		.smap		= cr4 & X86_CR4_SMAP,
		.pke		= long_mode && cr4 & X86_CR4_PKE,
		.pkru		= vcpu->pkru,
		/* The CPU's own walk cannot be kept from using them. */
		.gbpages	= boot_cpu_has(X86_FEATURE_GBPAGES),
		.amd		= guest_cap(vcpu, GUEST_CAP_AMD_COMPAT),
		.ac		= data && cr4 & X86_CR4_SMAP &&
				  kvm_get_rflags(vcpu) & X86_EFLAGS_AC,
	};
	if (!(cr0 & X86_CR0_PG))
		mmu->paging = GUEST_PAGING_NONE;
	else if (!(cr4 & X86_CR4_PAE))
		mmu->paging = GUEST_PAGING_32BIT;
	else if (!long_mode)
		mmu->paging = GUEST_PAGING_PAE;
	else if (!(cr4 & X86_CR4_LA57))
		mmu->paging = GUEST_PAGING_4LEVEL;
	else
		mmu->paging = GUEST_PAGING_5LEVEL;
}

static gpa_t guest_root(const struct guest_mmu *mmu, unsigned long cr3)
{
	switch (mmu->paging) {
	case GUEST_PAGING_32BIT:
		return cr3 & GENMASK_ULL(31, 12);
	case GUEST_PAGING_PAE:
		return cr3 & GENMASK_ULL(31, 5);
	default:
		return cr3 & GENMASK_ULL(51, 12);
	}
}

/* One level of a walk, remembered until its accessed bit is set. */
struct walk_step {
	u64 pte;
	gpa_t gpa;		/* of the entry */
	unsigned long hva;
};

struct guest_walk_state {
	struct guest_mmu mmu;
	const struct kvm_memory_slot *slot;	/* of the last table, NULL at first */
	u32 cause;		/* of the fault: GUEST_PFERR_P, RSVD, PK */
	int level;		/* of the leaf */
	u64 common;		/* bits set in all entries that have an accessed bit */
	struct walk_step step[GUEST_MAX_LEVELS + 1];	/* by level */
};

/* False: the table is no memory, or memory that userspace took away. */
static bool read_entry(struct kvm_vcpu *vcpu, struct guest_walk_state *w, struct walk_step *step)
{
	gfn_t gfn = step->gpa >> PAGE_SHIFT;
	u32 small;

	/* Guests have their tables near each other: look a slot up once. */
	if (!w->slot || !kvm_slot_has_gfn(w->slot, gfn)) {
		w->slot = gfn_to_memslot(vcpu->kvm, gfn);
		if (!w->slot)
			return false;
	}
	step->hva = __gfn_to_hva_memslot(w->slot, gfn) + offset_in_page(step->gpa);
	if (guest_entry_size(&w->mmu) == 8)
		return !get_user(step->pte, (u64 __user *)step->hva);
	if (get_user(small, (u32 __user *)step->hva))
		return false;
	step->pte = small;
	return true;
}

/*
 * A PDPTE of PAE is what the CPU has loaded, where it keeps them: the table may have
 * changed since. Without a user address nothing is read there again, and for a later
 * fetch the walk is not kept.
 */
static bool read_pdpte(struct kvm_vcpu *vcpu, struct guest_walk_state *w, struct walk_step *step,
		       unsigned int index)
{
	u64 pdptes[4];

	if (!kvm_x86_get_pdptrs(vcpu, pdptes))
		return read_entry(vcpu, w, step);
	step->hva = 0;
	step->pte = pdptes[index];
	return true;
}

/* In an entry of the lowest level these are PAT and G. */
#define TABLE_ONLY_BITS		(GUEST_PTE_PS | BIT_ULL(8))

/*
 * An entry of a 4- or 5-level table with none of these bits is well-formed and,
 * above the lowest level, leads to a table. Hardly any entry has one, so the
 * rules are asked about few. In other paging modes they are asked about all.
 */
static u64 guest_pte_unusual_bits(const struct guest_mmu *mmu)
{
	u64 bits = TABLE_ONLY_BITS;

	if (mmu->paging < GUEST_PAGING_4LEVEL)
		return ~0ULL;
	if (mmu->maxphyaddr < 52)
		bits |= GENMASK_ULL(51, mmu->maxphyaddr);
	return mmu->nxe ? bits : bits | GUEST_PTE_NX;
}

/* Down to the leaf, looking only. False: page fault, w->cause says why. */
static bool walk_down(struct kvm_vcpu *vcpu, struct guest_walk_state *w, gva_t gva, u32 access,
		      unsigned long cr3)
{
	const struct guest_mmu *mmu = &w->mmu;
	gpa_t table = guest_root(mmu, cr3);
	u64 rights = GUEST_PTE_W | GUEST_PTE_U;
	u64 unusual = guest_pte_unusual_bits(mmu);
	struct walk_step *step;

	w->cause = 0;
	w->common = ~0ULL;
	for (w->level = guest_paging_levels(mmu->paging);; w->level--) {
		bool pdpte = mmu->paging == GUEST_PAGING_PAE && w->level == 3;
		unsigned int index = guest_table_index(mmu, gva, w->level);
		bool leaf = w->level == 1;

		step = &w->step[w->level];
		step->gpa = table + index * guest_entry_size(mmu);
		if (!(pdpte ? read_pdpte(vcpu, w, step, index) : read_entry(vcpu, w, step)) ||
		    !(step->pte & GUEST_PTE_P))
			return false;
		if (step->pte & (leaf ? unusual & ~TABLE_ONLY_BITS : unusual)) {
			if (step->pte & guest_pte_rsvd_bits(mmu, step->pte, w->level)) {
				w->cause = GUEST_PFERR_P | GUEST_PFERR_RSVD;
				return false;
			}
			leaf = guest_pte_is_leaf(mmu, step->pte, w->level);
		}
		if (!pdpte) {
			rights = guest_pte_combine(rights, step->pte);
			w->common &= step->pte;
		}
		if (leaf)
			break;
		table = step->pte & GENMASK_ULL(51, 12);
	}

	w->cause = GUEST_PFERR_P;
	if (!guest_pte_allows(mmu, rights, access))
		return false;
	w->cause = GUEST_PFERR_P | GUEST_PFERR_PK;
	return guest_pkey_allows(mmu, rights, step->pte, access);
}

enum mark_result {
	MARK_DONE,
	MARK_CHANGED,		/* the entry is another one now: walk again */
	MARK_FAULT,		/* the table's memory is gone */
};

/* Set @bits in a guest entry, atomically, if it still is what was read. */
static enum mark_result mark_entry(struct kvm_vcpu *vcpu, const struct guest_mmu *mmu,
				   struct walk_step *step, u64 bits)
{
	u64 old = step->pte;
	u32 old32 = old;
	bool done, writable;
	unsigned long hva;

	if ((old & bits) == bits)
		return MARK_DONE;
	hva = gfn_to_hva_prot(vcpu->kvm, step->gpa >> PAGE_SHIFT, &writable);
	if (kvm_is_error_hva(hva))
		return MARK_FAULT;
	/* Tables in read-only memory are used as they are. */
	if (!writable)
		return MARK_DONE;
	hva += offset_in_page(step->gpa);

	if (guest_entry_size(mmu) == 8) {
		u64 __user *p = (u64 __user *)hva;

		if (!user_access_begin(p, sizeof(*p)))
			return MARK_FAULT;
		done = unsafe_try_cmpxchg_user(p, &old, old | bits, fault);
	} else {
		u32 __user *p = (u32 __user *)hva;

		if (!user_access_begin(p, sizeof(*p)))
			return MARK_FAULT;
		done = unsafe_try_cmpxchg_user(p, &old32, old32 | (u32)bits, fault);
	}
	user_access_end();
	if (!done)
		return MARK_CHANGED;
	step->pte |= bits;
	mark_page_dirty(vcpu->kvm, step->gpa >> PAGE_SHIFT);
	return MARK_DONE;

fault:
	user_access_end();
	return MARK_FAULT;
}

/* Accessed bits on the way, dirty in the leaf of a write; top down as the CPU does. */
static enum mark_result mark_walk(struct kvm_vcpu *vcpu, struct guest_walk_state *w, u32 access)
{
	enum mark_result res;
	int level;

	for (level = guest_paging_levels(w->mmu.paging); level >= w->level; level--) {
		u64 bits = GUEST_PTE_A;

		if (w->mmu.paging == GUEST_PAGING_PAE && level == 3)
			continue;
		if (level == w->level && access & GUEST_ACCESS_WRITE)
			bits |= GUEST_PTE_D;
		res = mark_entry(vcpu, &w->mmu, &w->step[level], bits);
		if (res != MARK_DONE)
			return res;
	}
	return MARK_DONE;
}

/* Nothing to mark, as mostly: the CPU has walked here before. */
static bool is_marked(const struct guest_walk_state *w, u32 access)
{
	return w->common & GUEST_PTE_A &&
	       (!(access & GUEST_ACCESS_WRITE) || w->step[w->level].pte & GUEST_PTE_D);
}

/* Walk and mark until both see the same tables. */
static bool walk_and_mark(struct kvm_vcpu *vcpu, struct guest_walk_state *w, gva_t gva,
			  u32 access)
{
	unsigned long cr3 = kvm_read_cr3(vcpu);
	int i;

	for (i = 0; i < MAX_WALK_RESTARTS; i++) {
		if (!walk_down(vcpu, w, gva, access, cr3))
			return false;
		if (access & GUEST_ACCESS_NO_AD || is_marked(w, access))
			return true;
		switch (mark_walk(vcpu, w, access)) {
		case MARK_DONE:
			return true;
		case MARK_FAULT:
			w->cause = 0;
			return false;
		case MARK_CHANGED:
			cond_resched();
			break;
		}
	}
	w->cause = 0;
	return false;
}

/*
 * A walk is a function of the mode, CR3, the entries it passes and, as far as it
 * finds those by the slots, of the slots. An instruction that accesses a device
 * is fetched again and again from one page, so for a fetch all of that is kept:
 * where it is the same, so is the result, and accessed bits are as the walk left
 * them. The entries are read anew, which is what makes this a walk and no TLB.
 *
 * The slots are the same as well if their generation is: it was read before they
 * were used, and kvm->srcu has been held since it was read now.
 */
static bool fetch_again(struct kvm_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa)
{
	const struct guest_fetch *f = &vcpu->fetch;
	const unsigned long *hva = f->hva, *end;
	const u64 *expected = f->pte;
	u64 pte;

	if (gva >> f->shift != f->page || access != f->access ||
	    kvm_memslots_generation(vcpu->kvm) != f->generation ||
	    vcpu->efer != f->efer || vcpu->maxphyaddr != f->maxphyaddr ||
	    guest_cap(vcpu, GUEST_CAP_AMD_COMPAT) != f->amd ||
	    kvm_read_cr4_bits(vcpu, MMU_CR4_BITS) != f->cr4 || kvm_read_cr3(vcpu) != f->cr3)
		return false;

	/* One check for all: what is in a slot is user memory. */
	if (!user_read_access_begin((void __user *)*hva, sizeof(pte)))
		return false;
	/* By pointers: a check of an index would be a call with user access open. */
	for (end = hva + f->levels; hva < end; hva++, expected++) {
		unsafe_get_user(pte, (u64 __user *)*hva, fault);
		if (pte != *expected)
			goto fault;
	}
	user_read_access_end();
	*gpa = f->gpa | (gva & (BIT_ULL(f->shift) - 1));
	return true;
fault:
	user_read_access_end();
	return false;
}

/* No frame of any guest. */
#define GFN_NONE	(~(gfn_t)0)

/* After fetch_again(): the slots are those of the walk that was kept. */
static bool read_code(struct kvm_vcpu *vcpu, gpa_t gpa, u64 code[2])
{
	struct guest_fetch *f = &vcpu->fetch;
	gfn_t gfn = gpa >> PAGE_SHIFT;
	const u64 __user *p;

	if (gfn != f->code_gfn) {
		const struct kvm_memory_slot *slot = gfn_to_memslot(vcpu->kvm, gfn);

		if (!slot)
			return false;
		f->code_hva = __gfn_to_hva_memslot(slot, gfn);
		f->code_gfn = gfn;
	}
	p = (const u64 __user *)(f->code_hva + offset_in_page(gpa));
	if (!user_read_access_begin(p, 2 * sizeof(*p)))
		return false;
	unsafe_get_user(code[0], p, fault);
	unsafe_get_user(code[1], p + 1, fault);
	user_read_access_end();
	return true;
fault:
	user_read_access_end();
	return false;
}

bool guest_fetch_again(struct kvm_vcpu *vcpu, gva_t rip, u64 code[2])
{
	bool done;
	gpa_t gpa;

	if (offset_in_page(rip) > PAGE_SIZE - 2 * sizeof(*code))
		return false;
	/* What is not there now is brought in by those who may sleep. */
	pagefault_disable();
	done = fetch_again(vcpu, rip, GUEST_ACCESS_FETCH, &gpa) && read_code(vcpu, gpa, code);
	pagefault_enable();
	return done;
}

/* Keep a walk that succeeded. Long mode: EFER.LMA stands for paging as well. */
static void keep_fetch(struct kvm_vcpu *vcpu, const struct guest_walk_state *w, gva_t gva,
		       u32 access, u64 generation)
{
	const struct guest_mmu *mmu = &w->mmu;
	struct guest_fetch *f = &vcpu->fetch;
	int level;

	f->generation = 0;
	f->code_gfn = GFN_NONE;
	if (mmu->paging < GUEST_PAGING_4LEVEL)
		return;
	f->cr3 = kvm_read_cr3(vcpu);
	f->cr4 = kvm_read_cr4_bits(vcpu, MMU_CR4_BITS);
	f->efer = vcpu->efer;
	f->access = access;
	f->maxphyaddr = mmu->maxphyaddr;
	f->amd = mmu->amd;
	f->shift = guest_level_shift(mmu, w->level);
	f->page = gva >> f->shift;
	f->gpa = guest_pte_addr(mmu, w->step[w->level].pte, w->level);
	f->levels = 0;
	for (level = guest_paging_levels(mmu->paging); level >= w->level; level--) {
		f->pte[f->levels] = w->step[level].pte;
		f->hva[f->levels++] = w->step[level].hva;
	}
	f->generation = generation;
}

static int walk_tables(struct kvm_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa,
		       u32 *error_code)
{
	u64 generation = kvm_memslots_generation(vcpu->kvm);
	struct guest_walk_state w;
	u64 offset_mask;

	guest_mmu_read(vcpu, access, &w.mmu);
	w.slot = NULL;
	if (w.mmu.paging < GUEST_PAGING_4LEVEL)
		gva = (u32)gva;
	if (w.mmu.paging == GUEST_PAGING_NONE) {
		*gpa = gva;
		return 0;
	}
	if (!walk_and_mark(vcpu, &w, gva, access)) {
		*error_code = guest_error_code(&w.mmu, access, w.cause);
		return -EFAULT;
	}
	offset_mask = BIT_ULL(guest_level_shift(&w.mmu, w.level)) - 1;
	*gpa = guest_pte_addr(&w.mmu, w.step[w.level].pte, w.level) | (gva & offset_mask);
	if (access & GUEST_ACCESS_FETCH)
		keep_fetch(vcpu, &w, gva, access, generation);
	return 0;
}

int guest_walk(struct kvm_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa, u32 *error_code)
{
	if (access & GUEST_ACCESS_FETCH && fetch_again(vcpu, gva, access, gpa))
		return 0;
	return walk_tables(vcpu, gva, access, gpa, error_code);
}

bool guest_pdptrs_valid(struct kvm_vcpu *vcpu, unsigned long cr3)
{
	struct guest_mmu mmu;
	u64 pdpte[4];
	int i;

	/* Guest memory: the host may have to bring the page in. */
	kvm_x86_host_data_touched(vcpu);
	guest_mmu_read(vcpu, 0, &mmu);
	/* The mode may be about to change: these are the rules of PAE. */
	mmu.paging = GUEST_PAGING_PAE;
	if (kvm_read_guest(vcpu->kvm, guest_root(&mmu, cr3), pdpte, sizeof(pdpte)))
		return false;
	for (i = 0; i < 4; i++) {
		if (pdpte[i] & GUEST_PTE_P && pdpte[i] & guest_pte_rsvd_bits(&mmu, pdpte[i], 3))
			return false;
	}
	return true;
}
