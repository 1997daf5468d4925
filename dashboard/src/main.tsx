import { render } from 'preact';
import { App } from './app.tsx';
import { resumeLogin } from './api/login.ts';
import { startTheme } from './state/theme.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/pages.css';
import './styles/lab.css';

startTheme();
void resumeLogin();
const root = document.getElementById('app');
if (root !== null) render(<App />, root);
