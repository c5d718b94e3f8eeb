; The installer for Windows, for one user or for all:
;   iscc /DVersion=0.1.0 /DVariant=cpu packaging\windows\clipdesk.iss
; after packaging\build.py. The version comes from outside, so that it stands in one place only.
#ifndef Version
  #error Say /DVersion=...
#endif
#ifndef Variant
  #define Variant "cpu"
#endif

[Setup]
AppId={{5D0C4E43-6C7B-4C53-8F0E-1B0F6A8E5C11}
AppName=ClipDesk
AppVersion={#Version}
AppVerName=ClipDesk {#Version}
DefaultDirName={autopf}\ClipDesk
DefaultGroupName=ClipDesk
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0
ChangesEnvironment=yes
LicenseFile=..\..\LICENSE
SetupIconFile=..\icons\clipdesk.ico
UninstallDisplayIcon={app}\ClipDesk.exe
OutputDir=..\..\dist
OutputBaseFilename=ClipDesk-{#Version}-windows-amd64-{#Variant}-setup
Compression=lzma2
SolidCompression=yes
; One file of Windows's may not exceed 4 GB, which CUDA's libraries do.
DiskSpanning={#Variant == "cuda" ? "yes" : "no"}

[Tasks]
Name: desktopicon; Description: "A shortcut on the desktop"; Flags: unchecked
Name: path; Description: "Put the command clipdesk on the path"; Flags: unchecked

[InstallDelete]
; What an older version had and this one has not.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\dist\ClipDesk\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{autoprograms}\ClipDesk"; Filename: "{app}\ClipDesk.exe"
Name: "{autodesktop}\ClipDesk"; Filename: "{app}\ClipDesk.exe"; Tasks: desktopicon

[Registry]
; Links such as clipdesk://demo/visual.layer/5 open the window there.
Root: HKA; Subkey: "Software\Classes\clipdesk"; ValueType: string; ValueName: ""; ValueData: "URL:ClipDesk"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\clipdesk"; ValueType: string; ValueName: "URL Protocol"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\clipdesk\shell\open\command"; ValueType: string; ValueName: ""; ValueData: """{app}\ClipDesk.exe"" ""%1"""
Root: HKA; Subkey: "{code:EnvironmentKey}"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Tasks: path; Check: not OnPath

[Run]
Filename: "{app}\ClipDesk.exe"; Description: "Open ClipDesk"; Flags: nowait postinstall skipifsilent

[Code]
function EnvironmentKey(Param: String): String;
begin
  if IsAdminInstallMode then
    Result := 'SYSTEM\CurrentControlSet\Control\Session Manager\Environment'
  else
    Result := 'Environment';
end;

function OnPath: Boolean;
var
  Present: String;
begin
  Result := RegQueryStringValue(HKA, EnvironmentKey(''), 'Path', Present)
    and (Pos(';' + Lowercase(ExpandConstant('{app}')) + ';', ';' + Lowercase(Present) + ';') > 0);
end;
