// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters on their way out: the binary files of KVM_GET_STATS_FD, and text
 * files under debugfs (kvm/<counter> sums over all VMs, kvm/<pid>-<n>/ is one
 * VM). All are read-only. Counting itself is a plain ++ where things happen.
 */
#include <linux/anon_inodes.h>
#include <linux/build_bug.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "core/event.h"
#include "core/main.h"
#include "core/stats.h"
#include "core/vcpu.h"
#include "core/vm.h"

/* struct kvm_stats_desc with room for the name, the same for all kernels. */
struct stats_desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[KVM_STATS_NAME_SIZE];
};

static_assert(offsetof(struct stats_desc, name) == 16);
static_assert(sizeof(struct stats_desc) == 16 + KVM_STATS_NAME_SIZE);
static_assert(NR_EVENT_REASONS == KVM_NR_EVENT_REASONS_STAT);

#define DESC(type, field_name, where)						\
	{									\
		.flags = (type) | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10,	\
		.size = 1,							\
		.offset = (where),						\
		.name = field_name,						\
	},

#define X(field) DESC(KVM_STATS_TYPE_CUMULATIVE, #field, offsetof(struct kvm_vcpu_stat, field))
#define R(reason) DESC(KVM_STATS_TYPE_CUMULATIVE, "event_raise_" #reason,	\
		       offsetof(struct kvm_vcpu_stat, event_raise) +		\
		       REASON_##reason * sizeof(u64))
#define N(reason) REASON_##reason,
enum { KVM_EVENT_REASON_STATS(N) NR_REASON_STATS };
static_assert(NR_REASON_STATS == KVM_NR_EVENT_REASONS_STAT);

static const struct stats_desc vcpu_descs[] = {
	KVM_VCPU_STATS(X)
	KVM_EVENT_REASON_STATS(R)
};

#undef X

/* A VM's counters of pages and tables go down as well. */
#define X(field) DESC(KVM_STATS_TYPE_INSTANT, #field, offsetof(struct kvm_vm_stat, field))
static const struct stats_desc vm_descs[] = {
	KVM_VM_STATS(X)
};

#undef X

/* The data block is the structure itself, so that offsets serve both. */
static_assert(sizeof(struct kvm_vcpu_stat) == ARRAY_SIZE(vcpu_descs) * sizeof(u64));
static_assert(sizeof(struct kvm_vm_stat) == ARRAY_SIZE(vm_descs) * sizeof(u64));

static u64 read_vcpu_stat(const struct kvm_vcpu *vcpu, u32 offset)
{
	return READ_ONCE(*(const u64 *)((const char *)&vcpu->stat + offset));
}

static u64 read_vm_stat(const struct kvm *kvm, u32 offset)
{
	return atomic64_read((const atomic64_t *)((const char *)&kvm->stat + offset));
}

/* Parts of a statistics file, in this order. */
struct stats_file {
	struct kvm_stats_header header;
	char id[KVM_STATS_NAME_SIZE];
	struct stats_desc descs[];
};

/* All but the data; they follow the descriptors. */
static struct stats_file *build_file(const char *id, const struct stats_desc *descs, u32 nr)
{
	size_t descs_size = nr * sizeof(*descs);
	struct stats_file *file;

	file = kvzalloc(sizeof(*file) + descs_size + nr * sizeof(u64), GFP_KERNEL);
	if (!file)
		return NULL;
	file->header.name_size = KVM_STATS_NAME_SIZE;
	file->header.num_desc = nr;
	file->header.id_offset = offsetof(struct stats_file, id);
	file->header.desc_offset = offsetof(struct stats_file, descs);
	file->header.data_offset = file->header.desc_offset + descs_size;
	strscpy(file->id, id, sizeof(file->id));
	memcpy(file->descs, descs, descs_size);
	return file;
}

static u64 *file_data(struct stats_file *file)
{
	return (void *)file + file->header.data_offset;
}

static ssize_t copy_out(struct stats_file *file, char __user *buf, size_t size, loff_t *pos)
{
	size_t total = file->header.data_offset + file->header.num_desc * sizeof(u64);
	ssize_t copied = simple_read_from_buffer(buf, size, pos, file, total);

	kvfree(file);
	return copied;
}

static ssize_t vm_stats_read(struct file *filp, char __user *buf, size_t size, loff_t *pos)
{
	struct kvm *kvm = filp->private_data;
	struct stats_file *file;
	u64 *data;
	int i;

	file = build_file(kvm->stats_id, vm_descs, ARRAY_SIZE(vm_descs));
	if (!file)
		return -ENOMEM;
	data = file_data(file);
	for (i = 0; i < ARRAY_SIZE(vm_descs); i++)
		data[i] = read_vm_stat(kvm, vm_descs[i].offset);
	return copy_out(file, buf, size, pos);
}

static ssize_t vcpu_stats_read(struct file *filp, char __user *buf, size_t size, loff_t *pos)
{
	struct kvm_vcpu *vcpu = filp->private_data;
	struct stats_file *file;
	u64 *data;
	int i;

	file = build_file(vcpu->stats_id, vcpu_descs, ARRAY_SIZE(vcpu_descs));
	if (!file)
		return -ENOMEM;
	data = file_data(file);
	for (i = 0; i < ARRAY_SIZE(vcpu_descs); i++)
		data[i] = read_vcpu_stat(vcpu, vcpu_descs[i].offset);
	return copy_out(file, buf, size, pos);
}

static int vm_stats_release(struct inode *inode, struct file *filp)
{
	kvm_put_kvm(filp->private_data);
	return 0;
}

static int vcpu_stats_release(struct inode *inode, struct file *filp)
{
	struct kvm_vcpu *vcpu = filp->private_data;

	kvm_put_kvm(vcpu->kvm);
	return 0;
}

static const struct file_operations vm_stats_fops = {
	.owner = THIS_MODULE,
	.read = vm_stats_read,
	.release = vm_stats_release,
	.llseek = noop_llseek,
};

static const struct file_operations vcpu_stats_fops = {
	.owner = THIS_MODULE,
	.read = vcpu_stats_read,
	.release = vcpu_stats_release,
	.llseek = noop_llseek,
};

/* The new file holds a reference on the VM, so its counters outlive the VM's own fd. */
static int install_file(const char *name, const struct file_operations *fops, void *data,
			struct kvm *kvm)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, fops, data, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	/* Programs read the parts by pread(). */
	file->f_mode |= FMODE_PREAD;
	kvm_get_kvm(kvm);
	fd_install(fd, file);
	return fd;
}

int kvm_vm_ioctl_get_stats_fd(struct kvm *kvm)
{
	return install_file("kvm-vm-stats", &vm_stats_fops, kvm, kvm);
}

int kvm_vcpu_ioctl_get_stats_fd(struct kvm_vcpu *vcpu)
{
	char name[32];

	snprintf(name, sizeof(name), "kvm-vcpu-stats:%d", vcpu->vcpu_id);
	return install_file(name, &vcpu_stats_fops, vcpu, vcpu->kvm);
}

void kvm_stats_vcpu_init(struct kvm_vcpu *vcpu)
{
	snprintf(vcpu->stats_id, sizeof(vcpu->stats_id), "kvm-%d/vcpu-%d",
		 task_pid_nr(current), vcpu->vcpu_id);
}

/*
 * debugfs
 */
struct kvm_debugfs_item {
	struct kvm *kvm;		/* NULL: sum over all VMs */
	const struct stats_desc *desc;
	bool per_vcpu;
};

#define NR_ITEMS	(ARRAY_SIZE(vm_descs) + ARRAY_SIZE(vcpu_descs))

static struct dentry *debugfs_root;
static struct kvm_debugfs_item sum_items[NR_ITEMS];
static atomic_t vm_serial = ATOMIC_INIT(0);

static u64 item_of_vm(const struct kvm_debugfs_item *item, struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	u64 sum = 0;
	int i;

	if (!item->per_vcpu)
		return read_vm_stat(kvm, item->desc->offset);
	kvm_for_each_vcpu(i, vcpu, kvm)
		sum += read_vcpu_stat(vcpu, item->desc->offset);
	return sum;
}

static int item_get(void *data, u64 *val)
{
	const struct kvm_debugfs_item *item = data;
	struct kvm *kvm;
	u64 sum = 0;

	if (item->kvm) {
		*val = item_of_vm(item, item->kvm);
		return 0;
	}
	mutex_lock(&kvm_lock);
	list_for_each_entry(kvm, &vm_list, vm_list)
		sum += item_of_vm(item, kvm);
	mutex_unlock(&kvm_lock);
	*val = sum;
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(item_fops, item_get, NULL, "%llu\n");

static void create_files(struct kvm_debugfs_item *items, struct kvm *kvm, struct dentry *dir)
{
	int i;

	for (i = 0; i < NR_ITEMS; i++) {
		items[i].kvm = kvm;
		items[i].per_vcpu = i >= ARRAY_SIZE(vm_descs);
		items[i].desc = items[i].per_vcpu ? &vcpu_descs[i - ARRAY_SIZE(vm_descs)] :
						    &vm_descs[i];
		debugfs_create_file(items[i].desc->name, 0444, dir, &items[i], &item_fops);
	}
}

/**
 * kvm_stats_vm_init() - name a VM's counters and show them
 * @kvm: the VM, being created
 *
 * Failure to show them is no reason to fail: debugfs may be off or full.
 */
void kvm_stats_vm_init(struct kvm *kvm)
{
	char name[32];

	snprintf(kvm->stats_id, sizeof(kvm->stats_id), "kvm-%d", task_pid_nr(current));
	if (!debugfs_initialized())
		return;
	kvm->debugfs_items = kcalloc(NR_ITEMS, sizeof(*kvm->debugfs_items), GFP_KERNEL_ACCOUNT);
	if (!kvm->debugfs_items)
		return;
	snprintf(name, sizeof(name), "%d-%d", task_pid_nr(current),
		 atomic_inc_return(&vm_serial));
	kvm->debugfs_dentry = debugfs_create_dir(name, debugfs_root);
	if (!IS_ERR(kvm->debugfs_dentry))
		create_files(kvm->debugfs_items, kvm, kvm->debugfs_dentry);
}

/* Waits for readers; a VM that kvm_stats_vm_init() never saw is fine. */
void kvm_stats_vm_exit(struct kvm *kvm)
{
	debugfs_remove(kvm->debugfs_dentry);
	kvm->debugfs_dentry = NULL;
	kfree(kvm->debugfs_items);
	kvm->debugfs_items = NULL;
}

int kvm_stats_module_init(void)
{
	debugfs_root = debugfs_create_dir("kvm", NULL);
	if (!IS_ERR(debugfs_root))
		create_files(sum_items, NULL, debugfs_root);
	return 0;
}

void kvm_stats_module_exit(void)
{
	debugfs_remove(debugfs_root);
	debugfs_root = NULL;
}
