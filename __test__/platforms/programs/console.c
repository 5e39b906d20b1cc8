/*
 * Runs a program of Windows at a console of its own, and sends it the console's events: `console.exe <program> [argument ...]`.
 * The program has this one's output, and its status becomes this one's. Each character that is read is an event: `^` presses
 * Ctrl+C, and a digit has the system call the program's handlers with that event (wincon.h), as it does by itself when the
 * console is closed. At the end of the input the program is ended.
 */

#include <stdio.h>
#include <string.h>
#include <windows.h>

#ifndef PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE
#define PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE 0x20016
#endif

/* What this program is told where it runs at the console already. */
#define INSIDE "--inside"

#define STATUS_OF_FAILURE 250

__attribute__((noreturn)) static void fail(const char *what) {
	fprintf(stderr, "console.exe: %s failed: %lu\n", what, GetLastError());
	ExitProcess(STATUS_OF_FAILURE);
}

/* Starts a program with this one's output. */
static HANDLE start(char *command, HANDLE input, LPPROC_THREAD_ATTRIBUTE_LIST attributes) {
	STARTUPINFOEXA info = {0};
	PROCESS_INFORMATION process;
	info.StartupInfo.cb = sizeof info;
	info.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
	info.StartupInfo.hStdInput = input;
	info.StartupInfo.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
	info.StartupInfo.hStdError = GetStdHandle(STD_ERROR_HANDLE);
	info.lpAttributeList = attributes;
	DWORD flags = attributes ? EXTENDED_STARTUPINFO_PRESENT : 0;
	if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, flags, NULL, NULL, &info.StartupInfo, &process)) fail("CreateProcess");
	CloseHandle(process.hThread);
	return process.hProcess;
}

static void end_with(HANDLE process) {
	DWORD status;
	WaitForSingleObject(process, INFINITE);
	if (!GetExitCodeProcess(process, &status)) fail("GetExitCodeProcess");
	ExitProcess(status);
}

/* What the console shows, which nobody looks at. */
static DWORD WINAPI drain(void *output) {
	char bytes[4096];
	DWORD count;
	while (ReadFile(output, bytes, sizeof bytes, &count, NULL) && count > 0) {}
	return 0;
}

/* Runs this program once more, at a new console. */
static void outside(char *arguments) {
	static char command[32768];
	char own[MAX_PATH];
	HANDLE input, keyboard, screen, output;
	HPCON console;
	COORD size = {80, 25};
	SIZE_T bytes = 0;
	GetModuleFileNameA(NULL, own, sizeof own);
	snprintf(command, sizeof command, "\"%s\" " INSIDE " %s", own, arguments);
	if (!CreatePipe(&input, &keyboard, NULL, 0) || !CreatePipe(&output, &screen, NULL, 0)) fail("CreatePipe");
	if (FAILED(CreatePseudoConsole(size, input, screen, 0, &console))) fail("CreatePseudoConsole");
	CreateThread(NULL, 0, drain, output, 0, NULL);
	InitializeProcThreadAttributeList(NULL, 1, 0, &bytes);
	LPPROC_THREAD_ATTRIBUTE_LIST attributes = HeapAlloc(GetProcessHeap(), 0, bytes);
	if (!attributes || !InitializeProcThreadAttributeList(attributes, 1, 0, &bytes)) fail("InitializeProcThreadAttributeList");
	if (!UpdateProcThreadAttribute(attributes, 0, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, console, sizeof console, NULL, NULL))
		fail("UpdateProcThreadAttribute");
	end_with(start(command, GetStdHandle(STD_INPUT_HANDLE), attributes));
}

/* Ctrl+C is for the program alone. */
static BOOL WINAPI ignore(DWORD event) {
	(void)event;
	return TRUE;
}

/* Has the system call the handlers of a process: what it starts a thread with for that, too. */
static void call_handlers(HANDLE process, DWORD_PTR event) {
	void *routine = (void *)GetProcAddress(GetModuleHandleA("kernelbase"), "CtrlRoutine");
	if (!routine) fail("GetProcAddress");
	if (!CreateRemoteThread(process, NULL, 0, (LPTHREAD_START_ROUTINE)routine, (void *)event, 0, NULL)) fail("CreateRemoteThread");
}

static DWORD WINAPI read_events(void *process) {
	char event;
	DWORD count;
	while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), &event, 1, &count, NULL) && count > 0) {
		if (event == '^') {
			if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) fail("GenerateConsoleCtrlEvent");
		} else {
			call_handlers(process, (DWORD_PTR)(event - '0'));
		}
	}
	TerminateProcess(process, STATUS_OF_FAILURE);
	return 0;
}

static void inside(char *arguments) {
	HANDLE nothing = CreateFileA("NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
	SetHandleInformation(nothing, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
	SetConsoleCtrlHandler(ignore, TRUE);
	HANDLE process = start(arguments, nothing, NULL);
	CreateThread(NULL, 0, read_events, process, 0, NULL);
	end_with(process);
}

/* What follows the first argument of a command line. */
static char *after_first(char *line) {
	BOOL quoted = FALSE;
	while (*line && (quoted || *line != ' ')) quoted ^= *line++ == '"';
	while (*line == ' ') line++;
	return line;
}

int main(void) {
	char *arguments = after_first(GetCommandLineA());
	if (strncmp(arguments, INSIDE " ", sizeof INSIDE) == 0) inside(after_first(arguments));
	else outside(arguments);
	return 0;
}
