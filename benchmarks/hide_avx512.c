/* Hides AVX-512, AMX and what came with them from all libraries of a process, see older_processor.py.
 *
 * Libraries choose their instructions by the processor's answer to `cpuid`. Linux can let that instruction fail
 * (arch_prctl(2), ARCH_SET_CPUID); it is answered here then, without what an older processor does not have.
 * The setting holds for all threads and forked processes, until the next program is executed.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define SET_CPUID 0x1012 /* ARCH_SET_CPUID of <asm/prctl.h> */
#define BIT(number) (1u << (number))

typedef int (*Sigaction)(int, const struct sigaction *, struct sigaction *);

static int let_cpuid(int work) { return syscall(SYS_arch_prctl, SET_CPUID, work); }

/* Intel's Software Developer's Manual, volume 2A, table 3-8 (CPUID). */
static void hide(uint32_t leaf, uint32_t subleaf, uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx) {
    if (leaf != 7) return;
    if (subleaf == 0) {
        *ebx &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
        *ecx &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
        *edx &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));
    } else if (subleaf == 1) {
        *eax &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23)); /* AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA */
        *edx &= ~(BIT(4) | BIT(5) | BIT(10) | BIT(19)); /* AVX-VNNI-INT8, AVX-NE-CONVERT, AVX-VNNI-INT16, AVX10 */
    }
}

static Sigaction real_sigaction(void) { return (Sigaction)dlsym(RTLD_NEXT, "sigaction"); }

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *instruction = (const uint8_t *)registers[REG_RIP];
    if (info->si_code <= 0 || instruction[0] != 0x0f || instruction[1] != 0xa2) {
        struct sigaction usual = {.sa_handler = SIG_DFL};
        real_sigaction()(number, &usual, NULL);
        if (info->si_code <= 0) raise(number); /* sent by a process; a true fault comes again by itself */
        return;
    }
    uint32_t leaf = registers[REG_RAX], subleaf = registers[REG_RCX], eax = leaf, ebx, ecx = subleaf, edx;
    let_cpuid(1);
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    let_cpuid(0);
    hide(leaf, subleaf, &eax, &ebx, &ecx, &edx);
    registers[REG_RAX] = eax, registers[REG_RBX] = ebx, registers[REG_RCX] = ecx, registers[REG_RDX] = edx;
    registers[REG_RIP] += 2;
}

/* Nobody else may take the signal, such as Python's faulthandler. */
int sigaction(int number, const struct sigaction *action, struct sigaction *before) {
    if (number != SIGSEGV || action == NULL) return real_sigaction()(number, action, before);
    if (before) memset(before, 0, sizeof *before);
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction ours = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    real_sigaction()(SIGSEGV, &ours, NULL);
    if (let_cpuid(0) != 0) {
        fputs("This system cannot hide what its processor has.\n", stderr);
        _exit(1);
    }
}
