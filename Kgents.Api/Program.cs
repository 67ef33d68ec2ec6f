using Kgents.Api;
using Kgents.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("kgents-api");
builder.AddKgentsApi();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapKgentsApi();
app.Run();
