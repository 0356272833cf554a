#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
static char prefix[4096]; static long target=-1, count=0; static int err=0; static int sticky=0; static char what[8192];
void fault_arm(const char*p,long k,int e,int s){strncpy(prefix,p,4095);target=k;err=e;sticky=s;count=0;what[0]=0;}
long fault_count(void){return count;} const char*fault_what(void){return what;}
static int hit(const char*op,const char*path){ if(target<0||!path||strncmp(path,prefix,strlen(prefix)))return 0; count++; if(count==target||(sticky&&count>target)){ if(count==target)snprintf(what,sizeof what,"%s %s",op,path+strlen(prefix)); errno=err; return 1;} return 0;}
static const char*fdpath(int fd){ static __thread char b[4096]; char l[64]; snprintf(l,64,"/proc/self/fd/%d",fd); ssize_t n=readlink(l,b,4095); if(n<0)return 0; b[n]=0; return b;}
#define REAL(f) ({static typeof(f)*r; if(!r) r=dlsym(RTLD_NEXT,#f); r;})
ssize_t write(int fd,const void*b,size_t n){ if(target>=0&&fd>2&&hit("write",fdpath(fd)))return -1; return REAL(write)(fd,b,n);}
ssize_t pwrite(int fd,const void*b,size_t n,off_t o){ if(target>=0&&hit("pwrite",fdpath(fd)))return -1; return REAL(pwrite)(fd,b,n,o);}
ssize_t pwrite64(int fd,const void*b,size_t n,off64_t o){ if(target>=0&&hit("pwrite",fdpath(fd)))return -1; return REAL(pwrite64)(fd,b,n,o);}
int fsync(int fd){ if(target>=0&&hit("fsync",fdpath(fd)))return -1; return REAL(fsync)(fd);}
int fdatasync(int fd){ if(target>=0&&hit("fdatasync",fdpath(fd)))return -1; return REAL(fdatasync)(fd);}
int ftruncate(int fd,off_t n){ if(target>=0&&hit("ftruncate",fdpath(fd)))return -1; return REAL(ftruncate)(fd,n);}
int ftruncate64(int fd,off64_t n){ if(target>=0&&hit("ftruncate",fdpath(fd)))return -1; return REAL(ftruncate64)(fd,n);}
int close(int fd){ if(target>=0){const char*p=fdpath(fd); int f=fcntl(fd,F_GETFL); if(f>=0&&(f&O_ACCMODE)!=O_RDONLY&&hit("close",p)){int e=errno; REAL(close)(fd); errno=e; return -1;}} return REAL(close)(fd);}
int rename(const char*a,const char*b){ if(hit("rename",b))return -1; return REAL(rename)(a,b);}
int mkdir(const char*a,mode_t m){ if(hit("mkdir",a))return -1; return REAL(mkdir)(a,m);}
static int op(int flags){return (flags&O_ACCMODE)!=O_RDONLY;}
int open(const char*p,int f,...){ va_list l; va_start(l,f); mode_t m=va_arg(l,mode_t); va_end(l); if(op(f)&&hit("open",p))return -1; return REAL(open)(p,f,m);}
int open64(const char*p,int f,...){ va_list l; va_start(l,f); mode_t m=va_arg(l,mode_t); va_end(l); if(op(f)&&hit("open",p))return -1; return REAL(open64)(p,f,m);}
int openat(int d,const char*p,int f,...){ va_list l; va_start(l,f); mode_t m=va_arg(l,mode_t); va_end(l); if(op(f)&&hit("open",p))return -1; return REAL(openat)(d,p,f,m);}
int openat64(int d,const char*p,int f,...){ va_list l; va_start(l,f); mode_t m=va_arg(l,mode_t); va_end(l); if(op(f)&&hit("open",p))return -1; return REAL(openat64)(d,p,f,m);}
